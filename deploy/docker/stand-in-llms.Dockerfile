# Stand-ins for the LLMs, for trying and testing without keys. They need nothing but Node.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="LLM Router stand-in LLMs" \
      org.opencontainers.image.description="OpenAI-compatible stand-ins for the downstream LLMs, for trying without keys" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY services/process services/process
COPY services/stand-in-llms services/stand-in-llms
USER 65532:65532
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9000/v1/models').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/stand-in-llms/src/main.ts"]
CMD ["--host", "0.0.0.0", "--port", "9000"]
