# A base for triton.Dockerfile where NVIDIA's registry is not reached: the same server, 2.51 (24.10), out of its wheel on PyPI.
# For CPUs alone: NVIDIA's image has the C++ backends and all that a GPU needs; here Python's onnxruntime serves in their place.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
LABEL org.opencontainers.image.title="Triton for CPUs" \
      org.opencontainers.image.licenses="BSD-3-Clause AND Apache-2.0"
# Debian asks for a virtual environment; this image is one.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends python3 python3-pip libpython3.11 \
 && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \
 && useradd --uid 1000 --create-home triton-server
ENV PIP_ROOT_USER_ACTION=ignore \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# tokenizers is what triton.Dockerfile adds itself.
COPY services/triton/requirements.txt /tmp/requirements.txt
RUN grep -v '^tokenizers==' /tmp/requirements.txt > /tmp/server.txt \
 && python3 -m pip install --no-cache-dir --requirement /tmp/server.txt \
 && rm /tmp/requirements.txt /tmp/server.txt
COPY services/triton/backends/onnxruntime/model.py /opt/tritonserver/backends/onnxruntime/model.py
# Where NVIDIA's image has them. The stub is the one for Debian's Python.
RUN cd /usr/local/lib/python3.11/dist-packages/pytriton/tritonserver \
 && mkdir /opt/tritonserver/bin \
 && mv bin/tritonserver /opt/tritonserver/bin/ \
 && mv caches /opt/tritonserver/ \
 && mv backends/python /opt/tritonserver/backends/ \
 && mv python_backend_stubs/3.11/triton_python_backend_stub /opt/tritonserver/backends/python/ \
 && rm -r python_backend_stubs \
 && chmod -R a+rX /opt/tritonserver \
 && chmod a+x /opt/tritonserver/bin/tritonserver /opt/tritonserver/backends/python/triton_python_backend_stub
ENV PATH=/opt/tritonserver/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LD_LIBRARY_PATH=/usr/local/lib/python3.11/dist-packages/nvidia_pytriton.libs
# As in NVIDIA’s image, what is built on this one says who runs it.
WORKDIR /opt/tritonserver
CMD ["tritonserver", "--help"]
