# Build: docker build -t streaming-job-exporter .
# Other base: docker build --build-arg BASE=registry.example.com/python:3.11-slim .
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN python -m venv /opt/exporter \
    && /opt/exporter/bin/pip install --no-cache-dir --disable-pip-version-check . \
    && /opt/exporter/bin/pip uninstall --yes --quiet pip setuptools

# Nothing of the build but the finished environment: no compiler, no pip, no sources.
FROM ${BASE}
LABEL org.opencontainers.image.title="streaming-job-exporter" \
      org.opencontainers.image.description="Prometheus exporter of managed streaming jobs" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/exporter /opt/exporter
ENV PATH=/opt/exporter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10370 --home-dir /nonexistent --shell /usr/sbin/nologin exporter
USER 10370
WORKDIR /etc/streaming-job-exporter
EXPOSE 10370
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:10370/-/healthy', timeout=2)"]
ENTRYPOINT ["streaming-job-exporter"]
CMD ["--config.file=/etc/streaming-job-exporter/exporter.yml"]
