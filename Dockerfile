# Builds Stoker and runs it as a user without rights.
#   docker build -t fhir-stoker .
#   docker run --rm -v "$PWD/config:/config:ro" -v stoker-lake:/lake fhir-stoker sync --config /config/stoker.yaml
# In the container's configuration the lake is /lake; keys are mounted below /config, never built in.

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
COPY schemas ./schemas
COPY config ./config
COPY LICENSE ./
# A volume that is new takes over the owner of the folder it covers.
RUN install -d -o node -g node -m 0700 /lake && install -d /config
USER node
VOLUME ["/config", "/lake"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["--help"]
