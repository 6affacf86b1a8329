# One image for web, worker and beat: the command decides (docker-compose.yml).
FROM python:3.11-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/runtime.txt /packages/runtime.txt
RUN python -m venv /packages/venv \
    && /packages/venv/bin/pip install --require-hashes -r /packages/runtime.txt

FROM python:3.11-slim
ENV PATH=/packages/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PLUMBLINE_DATA=/srv/data \
    PLUMBLINE_STATIC_ROOT=/srv/static \
    PORT=8000
RUN useradd --system --uid 10001 --home-dir /srv --shell /usr/sbin/nologin plumbline \
    && install --directory --owner plumbline /srv/data /srv/static
COPY --from=packages /packages/venv /packages/venv
WORKDIR /srv/plumbline
COPY . .
# Production settings ask for a database and a key; neither is used or kept here.
RUN DATABASE_URL=postgresql://nobody@localhost/none \
    PLUMBLINE_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
    python manage.py collectstatic --noinput --verbosity 0
USER plumbline
VOLUME /srv/data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "scripts/healthy.py", "/healthz"]
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", \
    "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--worker-connections", "8", \
    "--keep-alive", "2", "--timeout", "120", \
    "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
