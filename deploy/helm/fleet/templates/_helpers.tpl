{{- define "fleet.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fleet.selector" -}}
app.kubernetes.io/name: fleet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fleet.labels" -}}
{{ include "fleet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: fleet
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "fleet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* What every pod has: a user that is not root, and no way to become it. */}}
{{- define "fleet.pod" -}}
serviceAccountName: {{ include "fleet.name" . }}
automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "fleet.container" -}}
image: {{ include "fleet.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Whole directories: a single file (subPath) would stay as it is when its ConfigMap or Secret changes. */}}
{{- define "fleet.mounts" -}}
- {name: config, mountPath: /config, readOnly: true}
- {name: credentials, mountPath: /run/secrets/fleet, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "fleet.volumes" -}}
- name: credentials
  secret: {secretName: {{ .Values.credentials.existingSecret }}, defaultMode: 0440}
- name: tmp
  emptyDir: {sizeLimit: 512Mi}
{{- end -}}

{{/* One batch pod; `args` come after `scan`. */}}
{{- define "fleet.scan" -}}
{{- $root := .root -}}
restartPolicy: Never
terminationGracePeriodSeconds: 90
{{ include "fleet.pod" $root }}
containers:
- name: scan
  {{- include "fleet.container" $root | nindent 2 }}
  args:
  - scan
  {{- range .args }}
  - {{ . | quote }}
  {{- end }}
  - --no-progress
  - --metrics-listen=0.0.0.0:9816
  {{- with concat (.env | default list) $root.Values.extraEnv }}
  env: {{ toYaml . | nindent 2 }}
  {{- end }}
  ports:
  - {name: metrics, containerPort: 9816}
  resources: {{ toYaml $root.Values.batch.resources | nindent 4 }}
  volumeMounts:
  {{- include "fleet.mounts" $root | nindent 2 }}
  - {name: runs, mountPath: /work}
volumes:
{{ include "fleet.volumes" $root }}
- name: config
  configMap: {name: {{ include "fleet.name" $root }}-files}
- name: runs
  {{- if $root.Values.batch.runs.enabled }}
  persistentVolumeClaim: {claimName: {{ include "fleet.name" $root }}-runs}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end -}}

{{- define "fleet.failures" -}}
podFailurePolicy:
  rules:
  # 2: what was asked cannot be run. It will not be better the next time.
  - action: {{ .action }}
    onExitCodes: {containerName: scan, operator: In, values: [2]}
  # A node that is drained is no failure of the scan.
  - action: Ignore
    onPodConditions: [{type: DisruptionTarget, status: "True"}]
{{- end -}}
