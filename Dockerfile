# Build: docker build -t streaming-job-exporter .
# Other base, such as one of a mirror, or one that nobody can replace:
#   --build-arg BASE=registry.example.com/python:3.11.14-slim@sha256:...
# Other package index: --build-arg PIP_INDEX_URL=https://pypi.example.com/simple
#   with a password in it, which a build argument would show to everybody who has the image:
#   --secret id=pip.conf,src=pip.conf
# Certificate of that index: --secret id=ca.pem,src=ca.pem
# What it is built from: --build-arg REVISION=$(git rev-parse HEAD)
# For several architectures: docker buildx build --platform linux/amd64,linux/arm64 (nothing is compiled)
ARG BASE=python:3.11.14-slim

FROM ${BASE} AS build
ARG PIP_INDEX_URL
WORKDIR /source
# The packages first: they change less often than the exporter.
COPY requirements/build.txt requirements/run.txt requirements/
RUN --mount=type=secret,id=pip.conf,target=/run/secrets/pip.conf \
    --mount=type=secret,id=ca.pem,target=/run/secrets/ca.pem \
    if [ -s /run/secrets/pip.conf ]; then export PIP_CONFIG_FILE=/run/secrets/pip.conf; fi \
    && if [ -s /run/secrets/ca.pem ]; then export PIP_CERT=/run/secrets/ca.pem; fi \
    && if [ -z "${PIP_INDEX_URL}" ]; then unset PIP_INDEX_URL; fi \
    && python3 -m venv /opt/exporter \
    && /opt/exporter/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --only-binary :all: --requirement requirements/build.txt --requirement requirements/run.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY docs/runbooks docs/runbooks
COPY exporter exporter
RUN /opt/exporter/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-index --no-deps --no-build-isolation . \
    && /opt/exporter/bin/pip uninstall --yes --quiet pip setuptools

# Nothing of the build but the finished environment: no compiler, no pip, no sources.
FROM ${BASE}
ARG SOURCE=https://git.example/streaming-job-exporter
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="streaming-job-exporter" \
      org.opencontainers.image.description="Prometheus exporter of managed streaming jobs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.documentation="${SOURCE}/blob/main/README.md" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/exporter /opt/exporter
ENV PATH=/opt/exporter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Numbers that stay: files and volumes belong to them. It works as any other user too, and writes
# nothing but the journal of edge reports: a volume at /var/lib/streaming-job-exporter takes its owner.
RUN groupadd --gid 10370 exporter \
    && useradd --uid 10370 --gid 10370 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin exporter \
    && install -d -o 10370 -g 0 -m 0770 /var/lib/streaming-job-exporter
USER 10370:10370
WORKDIR /etc/streaming-job-exporter
EXPOSE 10370
# Process 1 is the exporter: the check asks where its flags say it listens, with TLS if they say so.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["streaming-job-exporter", "healthy", "--pid=1"]
ENTRYPOINT ["streaming-job-exporter"]
CMD ["--config.file=/etc/streaming-job-exporter/exporter.yml"]
