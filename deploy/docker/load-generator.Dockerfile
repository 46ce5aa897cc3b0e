# Bounded load for a router of one's own. It runs to its end and exits, so it has no health check.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS install
WORKDIR /app
ENV CI=true
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY services/load-generator/package.json services/load-generator/
RUN npx --yes pnpm@12.21.0 \
      install --frozen-lockfile --prod --filter '@llm-router/load-generator...'

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="LLM Router load generator" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
ENV NODE_ENV=production
COPY --from=install /app ./
COPY services/process services/process
COPY services/load-generator services/load-generator
COPY LICENSE ./
USER 65532:65532
ENTRYPOINT ["node", "services/load-generator/src/main.ts"]
CMD ["--help"]
