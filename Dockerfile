# The scanner in a small image: no shell is needed, nothing runs as root, the root file system may be read-only.
#
#   docker build -t fleet .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" fleet scan hosts.txt --spec redfish
#
# podman and buildah build it with `--format docker`: an OCI image has no health check.
#
# Any user will do; --user lets this one write the run below a /work that is yours. Where /work cannot be
# written, runs go to $STATE_DIRECTORY. Credentials come from env:, from mounted files, or from
# $CREDENTIALS_DIRECTORY, never from the image.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
# Two environments: the tools that build the wheel stay behind in this stage. The bytecode is made at the end,
# to hold whatever becomes of the files' times on their way: nobody can write it anew later.
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements.lock \
    && python -m venv /opt/fleet && /opt/fleet/bin/pip install --require-hashes --no-compile -r requirements-runtime.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY configs configs
COPY fleet fleet
RUN /opt/build/bin/python -m build --wheel --no-isolation --outdir /dist . \
    && /opt/fleet/bin/pip install --no-deps --no-index --no-compile /dist/*.whl \
    && /opt/fleet/bin/pip uninstall --yes pip setuptools \
    && /opt/fleet/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/fleet/lib \
    && mkdir -p /top && mkdir -m 0775 /top/work /top/state

FROM python:3.11-slim-bookworm
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleet" \
      org.opencontainers.image.description="One API description, ten thousand hosts: a concurrent OpenAPI fleet scanner" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/fleet /opt/fleet
# Group 0 may write, for platforms that choose a user and leave the group to root's. The folder is copied with
# what it stands in: copied by its own name it would lose its mode.
COPY --from=build --chown=65532:0 /top/ /
# Parsed descriptions are kept outside /work, which is somebody's own directory. To keep them between runs, mount
# one over the cache.
ENV HOME=/work XDG_CACHE_HOME=/tmp/cache PATH=/opt/fleet/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root's.
USER 65532:65532
WORKDIR /work
# SIGTERM finishes what is in hand and leaves a run that resumes.
STOPSIGNAL SIGTERM
# Of the service (`fleet serve`, where it listens on its usual port). Any other command ends by itself, with a status,
# and is well until then.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD \
    ["python", "-c", "import urllib.request as web; b'serve' in open('/proc/1/cmdline', 'rb').read().split(b'\\0') and web.urlopen('http://127.0.0.1:9815/-/healthy', timeout=4)"]
EXPOSE 9815
ENTRYPOINT ["fleet"]
CMD ["--help"]
