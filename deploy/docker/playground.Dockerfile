# The playground: a page to try the router with. It needs nothing but Node.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="LLM Router playground" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY services/pages services/pages
COPY services/process services/process
COPY services/playground services/playground
# Modules of the router that the page runs too (SHARED in src/assets.ts): what it says of other tables is what the router says.
COPY services/router-controller/src/decide/choose/by-label.ts services/router-controller/src/decide/choose/
COPY services/router-controller/src/replay/log-line.ts services/router-controller/src/replay/shares.ts \
     services/router-controller/src/replay/sums.ts services/router-controller/src/replay/
COPY services/router-controller/src/settle/price.ts services/router-controller/src/settle/
# A number, because Kubernetes' runAsNonRoot can't judge a name.
USER 65532:65532
EXPOSE 8008
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8008/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/playground/src/main.ts"]
CMD ["--host", "0.0.0.0", "--port", "8008"]
