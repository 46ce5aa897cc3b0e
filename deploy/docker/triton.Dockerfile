# Triton for GPUs, with the models of this repository: NVIDIA's stock image and the one package that the tokenizer step
# imports. deploy/docker/README.md tells which release, and why.
ARG TRITON_IMAGE=tritonserver:24.10-py3

# The committed encoder is int8, for CPUs; GPUs get the same one in half precision.
FROM ${TRITON_IMAGE} AS fp16
COPY services/trainer/requirements-policy.txt /src/
RUN grep -E '^(numpy|onnx|onnxruntime|tokenizers)==' /src/requirements-policy.txt > /src/few.txt \
 && python3 -m pip install --no-cache-dir --target /packages --requirement /src/few.txt
# The trainer finds the repository's root from its own place, so it keeps it.
COPY services/trainer/trainer /src/services/trainer/trainer
COPY model_repository /models
# On a copy of this step: a folder of an earlier layer can't be renamed, and the trainer puts models in place by renaming.
RUN cp -r /models /half \
 && PYTHONPATH=/packages:/src/services/trainer python3 -m trainer precision --to fp16 --repository /half

FROM ${TRITON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LLM Router on Triton" \
      org.opencontainers.image.description="NVIDIA Triton with the classifier’s models" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# numpy comes with the image; its version there is the one that the image's Python backend was built with.
COPY services/triton/requirements.txt /tmp/requirements.txt
RUN grep '^tokenizers==' /tmp/requirements.txt > /tmp/tokenizers.txt \
 && python3 -m pip install --no-cache-dir --requirement /tmp/tokenizers.txt \
 && rm /tmp/requirements.txt /tmp/tokenizers.txt
COPY model_repository /models
COPY --from=fp16 /half /models-fp16
# onnxruntime tells its maker about the machine unless this is set.
ENV ORT_DISABLE_TELEMETRY=1
# `triton-server` of the stock image, as a number, because Kubernetes' runAsNonRoot can't judge a name.
USER 1000:1000
# gRPC and metrics. HTTP listens on loopback alone, for the health check: it is what the holes of older releases are in.
EXPOSE 8001 8002
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
# For a GPU: --model-repository=/models-fp16.
CMD ["tritonserver", "--model-repository=/models", "--model-control-mode=none", "--exit-timeout-secs=20", "--http-address=127.0.0.1"]
