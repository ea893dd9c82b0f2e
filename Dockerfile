# One image for all processes: docs/deploy-container.md. The build is `make install`, as on every other machine.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make
WORKDIR /opt/wabot
COPY . .
RUN make install

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/wabot wabot
COPY --from=build /opt/wabot/.venv /opt/wabot/.venv
ENV PATH=/opt/wabot/.venv/bin:$PATH PYTHONUNBUFFERED=1 WABOT_HOME=/var/lib/wabot HOST=0.0.0.0 PORT=8000
WORKDIR /var/lib/wabot
USER wabot
VOLUME /var/lib/wabot
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["wabot"]
CMD ["up"]
