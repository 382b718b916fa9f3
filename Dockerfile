# One image for web, worker, beat and migrate; docker-compose.yml says which runs what.
FROM python:3.13-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH

FROM base AS packages
COPY requirements/uv.txt requirements/run.txt /tmp/requirements/
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements/uv.txt \
    && uv venv /opt/venv \
    && uv pip sync --no-cache --compile-bytecode --python /opt/venv/bin/python \
        --require-hashes /tmp/requirements/run.txt

FROM base
RUN useradd --system --uid 10001 --no-create-home --home-dir /app app
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY manage.py verify_statement.py ./
COPY config config
COPY audit audit
COPY tenants tenants
COPY connector connector
RUN python -m compileall -q /app && install -d -o app -g app /app/.run
USER app
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--config", "python:config.gunicorn", "--preload", "--workers", "2", "--threads", "4", \
     "--bind", "0.0.0.0:8000", "--graceful-timeout", "20", "--worker-tmp-dir", "/dev/shm", \
     "--no-control-socket"]
