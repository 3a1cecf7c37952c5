# syntax=docker/dockerfile:1
# The backend, for CPU and NVIDIA GPUs alike: the torch wheels bring their own CUDA libraries, so a
# slim Python image is enough. For a GPU the host needs the NVIDIA driver and container toolkit.
ARG PYTHON=3.12-slim-bookworm

FROM python:${PYTHON} AS build
ENV UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/venv
WORKDIR /src
RUN pip install --no-cache-dir "uv>=0.9,<1"
# Dependencies first: this layer stays while only our code changes.
COPY pyproject.toml README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --no-dev --no-install-project
COPY trackanything_core trackanything_core
COPY ml_backend ml_backend
COPY label_config label_config
RUN --mount=type=cache,target=/root/.cache/uv uv sync --no-dev --no-editable

FROM python:${PYTHON}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TRACKANYTHING_DATA_DIR=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# A named volume takes over the owner of the folder that it is mounted on.
RUN useradd --create-home --uid 10001 tracker && install -d -o tracker -g tracker /data
COPY --from=build /opt/venv /opt/venv
USER 10001
WORKDIR /home/tracker
VOLUME /data
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9090/health', timeout=3)"]
CMD ["trackanything", "serve", "--host", "0.0.0.0", "--port", "9090"]
