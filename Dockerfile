# The service as an image: `docker build --target service -t approvals .`, and one to try it out with:
# `docker build --target playground -t approvals-playground .`. docs/operations.md says how both are run.

ARG PYTHON=3.11-slim-bookworm

# -- packages: what requirements.txt pins, by hash ------------------------------------------
FROM python:${PYTHON} AS packages
COPY requirements.txt requirements-dev.txt /build/
RUN python -m venv /venv
RUN --mount=type=cache,target=/cache PIP_CACHE_DIR=/cache/pip /venv/bin/python -m pip install --disable-pip-version-check --requirement /build/requirements.txt

# -- service: nothing but the program; it writes to /data and /archive alone ------------------
FROM python:${PYTHON} AS service
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV APPROVALS_HOST=0.0.0.0 APPROVALS_PORT=3978 APPROVALS_TENANTS=/tenants APPROVALS_STORE_URL=sqlite:////data/approvals.db
COPY --from=packages /venv /venv
COPY app.py LICENSE /app/
COPY approvals_core /app/approvals_core
COPY bots /app/bots
COPY cards /app/cards
COPY config /app/config
COPY house /app/house
# Compiled here: the code cannot be written to later. The time of a file says nothing in an image.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app
# A volume that is mounted there for the first time gets the owner from here.
RUN mkdir -p /data /tenants /archive && chown 10001:10001 /data /archive
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 3978
# Whether it lives, not whether it is ready: who restarts what is unhealthy must not do so because the store is away.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["python", "-m", "bots.alive", "3978"]
CMD ["python", "-m", "app"]

# -- playground: the world outside, and the service in its midst, for a try-out -----------------
FROM node:22-slim AS web
COPY web/package.json web/package-lock.json web/.npmrc /web/
RUN --mount=type=cache,target=/cache cd /web && npm_config_cache=/cache/npm npm ci --ignore-scripts --no-audit --no-fund

FROM packages AS playground-packages
RUN sed -n -e '/^aiosmtpd==/,/[^\\]$/p' -e '/^atpublic==/,/[^\\]$/p' /build/requirements-dev.txt >/build/playground.txt
RUN --mount=type=cache,target=/cache PIP_CACHE_DIR=/cache/pip /venv/bin/python -m pip install --disable-pip-version-check --requirement /build/playground.txt

FROM service AS playground
USER 0:0
COPY --from=playground-packages /venv /venv
COPY --from=web /web /app/web
COPY playground /app/playground
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app/playground
USER 10001:10001
# It makes up all settings itself, and answers on loopback alone: run it with --network host.
HEALTHCHECK NONE
CMD ["python", "-m", "playground", "--folder", "/data"]

# What is built if no target is named.
FROM service
