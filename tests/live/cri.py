#!/usr/bin/python3
"""cri.py SOCKET CALL: the few calls of the Kubernetes CRI that the tests need, as protobuf by hand
(kubernetes/cri-api, pkg/apis/runtime/v1/api.proto)."""
import sys
import grpc


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def labels(number, pairs):
    return b"".join(field(number, field(1, k) + field(2, v)) for k, v in pairs.items())


def first_text(message):
    """The string of field 1, which is all that the answers here have."""
    assert message[0] == 1 << 3 | 2
    length, at = 0, 1
    shift = 0
    while True:
        length |= (message[at] & 127) << shift
        shift += 7
        at += 1
        if message[at - 1] < 128:
            break
    return message[at:at + length].decode()


channel = grpc.insecure_channel("unix://" + sys.argv[1])


def call(method, request):
    f = channel.unary_unary("/runtime.v1.RuntimeService/" + method, request_serializer=bytes, response_deserializer=bytes)
    return f(request, timeout=20)


def sandbox_config(name, namespace):
    host = field(1, field(1, 2))  # network: the node's
    return (field(1, field(1, name) + field(2, "11111111-2222-3333-4444-" + "5" * 12) + field(3, namespace)) +
            labels(6, {"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace, "app": name}) +
            field(8, field(1, "/kubepods/besteffort/podtest") + field(2, host)))


def run(image, name, namespace, container, *command):
    sandbox = first_text(call("RunPodSandbox", field(1, sandbox_config(name, namespace))))
    config = (field(1, field(1, container)) + field(2, field(1, image)) + b"".join(field(3, c) for c in command) +
              labels(9, {"io.kubernetes.container.name": container}) + field(15, field(2, field(3, field(1, 2)))))
    made = first_text(call("CreateContainer", field(1, sandbox) + field(2, config) + field(3, sandbox_config(name, namespace))))
    call("StartContainer", field(1, made))
    print(sandbox, made)


def stop(sandbox):
    call("StopPodSandbox", field(1, sandbox))
    call("RemovePodSandbox", field(1, sandbox))


{"run": run, "stop": stop}[sys.argv[2]](*sys.argv[3:])
