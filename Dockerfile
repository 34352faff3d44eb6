# Two images: initkit (the default) holds nothing but initkit; initkit:shell (--target shell) adds busybox.
# The base is a Debian with Node.js 26, which a digest pins: docker.io/library/node@sha256:...
ARG BASE=docker.io/library/node:26-bookworm-slim
FROM $BASE AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils busybox-static ca-certificates dumb-init patchelf
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
COPY src/image/rootfs /image

# Node, initkit, its compiled code and the heap limits become one executable. So the compiled code fits every user
# and a read-only file system, and NODE_OPTIONS of an application in the same pod changes nothing. It is started
# through the script bin/initkit, whose path the kernel puts first among the arguments.
# Of the languages that Node can format texts in, only English stays: the others are a quarter of what is pulled.
RUN strip -o /tmp/node /usr/local/bin/node \
 && node src/image/icu-data.ts /tmp/node \
 && node src/image/runtime.ts /tmp/node /image/initkit/bin/runtime

# Both programs are bound to the loader and the libraries beside them: whatever image /initkit is mounted
# into, nothing of that image is loaded, not even through LD_LIBRARY_PATH, which comes after RPATH.
RUN cd /image/initkit && mkdir lib \
 && cp /usr/bin/dumb-init bin \
 && ldd bin/runtime bin/dumb-init | grep -o '/[^ ]*\.so[^ ]*' | sort -u | xargs cp -Lt lib \
 && loader=$(ls lib/ld-linux*) \
 && patchelf --set-interpreter "/initkit/$loader" --force-rpath --set-rpath '$ORIGIN/../lib' \
      bin/runtime bin/dumb-init

RUN mkdir -p /image/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs \
 && cp -r dist/licenses /image/initkit && cd /image/initkit/licenses \
 && { cp /usr/local/LICENSE node 2>/dev/null || cp /src/node_modules/node-linux-*/LICENSE node; } \
 && for package in ca-certificates dumb-init libatomic1 libc6 libgcc-s1 libstdc++6; do \
      cp -L "/usr/share/doc/$package/copyright" "$package" || exit 1; \
    done \
 && cp -L /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/GPL-3 /usr/share/common-licenses/LGPL-2.1 . \
 && node /src/src/image/sbom.ts /image >sbom.cdx.json \
 && node /src/src/image/sbom.ts /image /bin/busybox >/tmp/shell.cdx.json \
 && chmod -R u=rwX,go=rX /image

FROM scratch AS base
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/initkit/bin/initkit"]
LABEL org.opencontainers.image.title="initkit" \
      org.opencontainers.image.description="Does what a pod needs done before its main container starts." \
      org.opencontainers.image.licenses="MIT"

# What only the one who builds knows: the released version, the commit, and the time as RFC 3339 writes it.
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"

FROM base AS shell
COPY --from=build /bin/busybox /bin/busybox
COPY --from=build /usr/share/doc/busybox-static/copyright /initkit/licenses/busybox
COPY --from=build /tmp/shell.cdx.json /initkit/licenses/sbom.cdx.json
USER 0:0
RUN ["/bin/busybox", "--install", "-s", "/bin"]
USER 65532:65532

FROM base
