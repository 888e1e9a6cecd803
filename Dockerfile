# Builds Stoker and runs its worker as a user without rights, on a root file system that may be read only.
#   docker build -t fhir-stoker .
#   docker run --rm --read-only --tmpfs /tmp -v "$PWD/config:/config:ro" -v stoker-lake:/lake \
#     -p 127.0.0.1:8650:8650 -e STOKER_TOKEN fhir-stoker
# In the container's configuration the lake is /lake, http.listen is 0.0.0.0:8650 with tokenEnv: STOKER_TOKEN; keys are
# mounted below /config, never built in. Any other command: docker run … fhir-stoker sync --config /config/stoker.yaml.
# config/compose.yaml and config/kubernetes.yaml are whole examples.

# DuckDB's native code comes from npm for the platform that installs it, so both stages share one (glibc) base.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY src/http/page/assets ./src/http/page/assets
COPY schemas ./schemas
COPY config ./config
COPY LICENSE ./
# A volume that is new takes over the owner of the folder it covers.
RUN install -d -o node -g node -m 0700 /lake && install -d /config
USER node
VOLUME ["/config", "/lake"]
EXPOSE 8650
# Of the worker: whoever runs another command has no page, and asks with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "-e", \
  "fetch('http://127.0.0.1:8650/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The worker ends within seconds of SIGTERM and goes on at the next start; as process 1 it gets the signal itself.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["worker", "--config", "/config/stoker.yaml"]
