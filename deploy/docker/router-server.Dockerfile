# The small classifier server for machines without Triton, with the models of this repository.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS install
WORKDIR /app
ENV CI=true
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY protos/package.json protos/
COPY services/router-server/package.json services/router-server/
RUN npx --yes pnpm@12.21.0 \
      install --frozen-lockfile --prod --filter '@llm-router/router-server...'
# onnxruntime-node carries the libraries of every platform; only this one's are kept.
RUN cd node_modules/.pnpm/onnxruntime-node@*/node_modules/onnxruntime-node/bin/napi-v* \
 && find . -mindepth 1 -maxdepth 1 ! -name linux -exec rm -rf {} + \
 && find linux -mindepth 1 -maxdepth 1 ! -name "$(node -p process.arch)" -exec rm -rf {} +

# What Node compiles of its modules is kept, so that no start compiles them again. The folder that Node makes is of one user, the image's
# own; another one's starts compile, and write nothing.
FROM install AS compiled
ENV NODE_ENV=production \
    ORT_DISABLE_TELEMETRY=1
COPY protos protos
COPY services/process services/process
COPY services/router-server services/router-server
COPY services/bundler/src/compiled.ts services/bundler/src/
COPY model_repository /models
RUN mkdir -m 777 compiled
USER 65532:65532
RUN node services/bundler/src/compiled.ts compiled/kept services/router-server/src/main.ts --repository /models --grpc-port 0 --http-port 0

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LLM Router classifier server" \
      org.opencontainers.image.description="Serves the classifier’s models over KServe v2 on machines without Triton" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
# onnxruntime tells its maker about the machine unless this is set.
ENV NODE_ENV=production \
    ORT_DISABLE_TELEMETRY=1 \
    NODE_COMPILE_CACHE=/app/compiled/kept \
    NODE_COMPILE_CACHE_PORTABLE=1
COPY --from=install /app ./
COPY protos protos
COPY services/process services/process
COPY services/router-server services/router-server
COPY --from=compiled --chown=0:0 /app/compiled/kept compiled/kept
COPY model_repository /models
COPY LICENSE ./
USER 65532:65532
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/v2/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/router-server/src/main.ts"]
CMD ["--repository", "/models", "--host", "0.0.0.0"]
