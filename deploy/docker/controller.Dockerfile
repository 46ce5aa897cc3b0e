# The controller, in one file made of its sources and its packages: it starts sooner than they do and holds less memory. Sources and
# packages are there too, for what is loaded on first need and for whoever lists the image's parts; the workspace's layout
# is kept, because Node strips types only outside node_modules.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS install
WORKDIR /app
ENV CI=true
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY protos/package.json protos/
COPY services/router-controller/package.json services/router-controller/
RUN npx --yes pnpm@12.21.0 \
      install --frozen-lockfile --prod --filter '@llm-router/controller...'

FROM install AS bundle
COPY services/bundler/package.json services/bundler/
RUN npx --yes pnpm@12.21.0 \
      install --frozen-lockfile --prod --filter '@llm-router/controller...' --filter '@llm-router/bundler'
COPY protos protos
COPY services/pages services/pages
COPY services/process services/process
COPY services/router-controller services/router-controller
COPY services/bundler services/bundler
RUN node services/bundler/src/main.ts router-controller

# What Node compiles as it loads the file is kept, so that no start compiles it again. Told of no configuration it ends when all is loaded.
# The folder that Node makes is of one user, the image's own; another one's starts compile, and write nothing.
FROM bundle AS compiled
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=16
RUN mkdir -m 777 compiled
USER 65532:65532
RUN node services/bundler/src/compiled.ts compiled/kept services/router-controller/dist/main.mjs

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LLM Router controller" \
      org.opencontainers.image.description="OpenAI-compatible endpoint that classifies each prompt and sends it to the model of a policy table" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
# For less memory; services/bundler/src/environment.ts says why, and a test holds both equal.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=16 \
    MALLOC_ARENA_MAX=2 \
    NODE_COMPILE_CACHE=/app/compiled/kept \
    NODE_COMPILE_CACHE_PORTABLE=1
COPY --from=install /app ./
COPY protos protos
COPY services/pages services/pages
COPY services/process services/process
COPY services/router-controller services/router-controller
COPY --from=bundle /app/services/router-controller/dist services/router-controller/dist
COPY --from=compiled --chown=0:0 /app/compiled/kept compiled/kept
COPY config config
COPY LICENSE ./
# A number, because Kubernetes' runAsNonRoot can't judge a name.
USER 65532:65532
EXPOSE 8084
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8084/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/router-controller/dist/main.mjs"]
CMD ["--config", "/app/config/image.generated.yaml", "--host", "0.0.0.0"]
