# The scanner in a small image: no shell is needed, nothing runs as root, the root file system may be read-only.
#
#   docker build -t fleet .
#   docker run --rm -v "$PWD:/work" fleet scan hosts.txt --spec redfish
#
# Runs are kept below /work (or $STATE_DIRECTORY); credentials come from env:, from mounted files, or from
# $CREDENTIALS_DIRECTORY, never from the image.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
# Two environments: the tools that build the wheel stay behind in this stage.
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements.lock \
    && python -m venv /opt/fleet && /opt/fleet/bin/pip install --require-hashes -r requirements-runtime.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY configs configs
COPY fleet fleet
RUN /opt/build/bin/python -m build --wheel --no-isolation --outdir /dist . \
    && /opt/fleet/bin/pip install --no-deps --no-index /dist/*.whl \
    && /opt/fleet/bin/pip uninstall --yes pip setuptools \
    && /opt/fleet/bin/python -m compileall -q /opt/fleet/lib \
    && mkdir /work

FROM python:3.11-slim-bookworm
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleet" \
      org.opencontainers.image.description="One API description, ten thousand hosts: a concurrent OpenAPI fleet scanner" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/fleet /opt/fleet
COPY --from=build --chown=65532:65532 /work /work
ENV HOME=/work PATH=/opt/fleet/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root's.
USER 65532:65532
WORKDIR /work
# SIGTERM finishes what is in hand and leaves a run that resumes.
STOPSIGNAL SIGTERM
ENTRYPOINT ["fleet"]
CMD ["--help"]
