#!/usr/bin/env python3
"""Writes the seed inputs of the fuzzers, one directory a fuzzer: small, made by hand from each format's
page, so that a reader sees what they are. Usage: seeds.py DIRECTORY"""
import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys

out = pathlib.Path(sys.argv[1])


def seed(fuzzer, name, content):
    directory = out / fuzzer
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def u16(n):
    return struct.pack(">H", n)


def u32(n):
    return struct.pack(">I", n)


def sized(content):
    return u16(len(content)) + content


def snp_report():
    report = bytearray(1184)
    struct.pack_into("<IIQ", report, 0, 2, 0, 0x30000)  # version, guest SVN, policy
    struct.pack_into("<I", report, 0x34, 1)  # ECDSA P-384 with SHA-384
    report[0x90:0xC0] = bytes(range(48))
    report[0x2A0] = report[0x2A0 + 72] = 1  # r and s
    return bytes(report)


def hcl_report():
    claims = json.dumps({"keys": [], "vm-configuration": {}, "user-data": ""}).encode()
    content = snp_report()
    header = b"HCLA" + struct.pack("<IIIIII", 2, len(content) + len(claims) + 20, 2, 0, 0, 0)[:28]
    request = struct.pack("<IIIII", len(claims) + 20, 1, 2, 1, len(claims))
    return header.ljust(32, b"\0") + content + request + claims


def attest(kind, rest):
    clock = struct.pack(">QIIB", 1000, 1, 0, 1)
    return b"\xffTCG" + u16(kind) + sized(b"\0\x0b" + bytes(32)) + sized(bytes(32)) + clock + bytes(8) + rest


def snapshot():
    store = "00112233445566778899aabbccddeeff"
    config = json.dumps({"format": 1, "store_id": store, "kind": "test", "shares": 1, "threshold": 1,
                         "created_unix_s": 0, "custody": {}}, separators=(",", ":"))
    header = json.dumps({"store_id": store, "store_kind": "test", "epoch": 1, "created_unix_s": 0,
                         "storage_type": "x"}, separators=(",", ":")).encode()
    body = b"APM-SNAPSHOT" + u16(1) + u32(len(header)) + header
    for key, value in (("core/keyring", b"k"), ("core/root-key", b"r"), ("core/seal-config", config.encode())):
        body += b"\x01" + u32(len(key)) + key.encode() + u32(len(value)) + value
    return body + b"\0" + struct.pack(">Q", 3) + bytes(32)


def public_area():
    attributes = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 17
    return (u16(1) + u16(0xB) + u32(attributes) + sized(bytes(32)) + u16(0x10) + u16(0x10) + u16(2048) + u32(0)
            + sized(b"\xc0" + bytes(254) + b"\x01"))


def event_log():
    spec = (b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<I", 1)
            + struct.pack("<HH", 0xB, 32) + b"\0")
    first = struct.pack("<II", 0, 3) + bytes(20) + struct.pack("<I", len(spec)) + spec
    data = b"\0\0\0\0"
    event = (struct.pack("<III", 7, 4, 1) + struct.pack("<H", 0xB) + hashlib.sha256(data).digest()
             + struct.pack("<I", len(data)) + data)
    return first + event


def jws():
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    return b".".join([part(b'{"alg":"RS256"}'), part(b'{"iss":"https://a"}'), part(bytes(256))])


seed("json_fuzz", "object", '{"a":[1,-2.5e3,true,null,"\\u00e9\\n"],"b":{"c":""}}')
seed("encoding_fuzz", "hex", "00ffA5")
seed("encoding_fuzz", "base64", "AAECAw==")
seed("encoding_fuzz", "base64url", "_-8")
seed("hclconfig_fuzz", "server", 'disable_mlock = true\nlistener "tcp" {\n  address = "127.0.0.1:8200"\n}\n')
seed("hclconfig_fuzz", "heredoc", 'a = <<-EOT\n  x\n   y\n  EOT\nb = [1, "c", {d = 2}]\n')
seed("hclconfig_fuzz", "json", '{"listener": {"tcp": {"address": "x"}}, "b": [1, true]}')
seed("acl_policy_fuzz", "policy", 'path "a/b" { capabilities = ["read", "list"] }\npath "a/*" { policy = "deny" }\n')
seed("acl_policy_fuzz", "parameters",
     'path "a/+/c" {\n  capabilities = ["create"]\n  allowed_parameters = { "x" = ["1"] }\n'
     '  min_wrapping_ttl = "1m"\n}\npath "e" { capabilities = ["deny", "read"] }\n')
seed("claims_policy_fuzz", "release", json.dumps({
    "version": "1.0.0", "anyOf": [{"authority": "https://maa.example", "allOf": [
        {"claim": "a.b", "equals": "c"}, {"anyOf": [{"claim": "d", "equals": True}]}]}]}))
seed("claims_policy_fuzz", "extended", json.dumps({
    "version": "1.0.0", "allOf": [{"authority": "https://maa.example/", "allOf": [
        {"claim": "a", "greaterOrEquals": 3}, {"claim": "b", "in": ["x", "y"]}, {"claim": "c", "exists": True}]}]}))
seed("http1_codec_fuzz", "get", "GET /v1/sys/health?a=b HTTP/1.1\r\nHost: a\r\n\r\n")
seed("http1_codec_fuzz", "put", "PUT /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
seed("http1_codec_fuzz", "chunked",
     "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
seed("request_path_fuzz", "plain", "anjuna/a%20b/c/")
seed("request_path_fuzz", "dots", "anjuna/%2e%2e/sys")
seed("barrier_record_fuzz", "text", b"\x01\x20\x07a secret value")
seed("shamir_fuzz", "five_of_three", b"\x05\x03" + bytes(range(32)))
seed("skr_envelope_fuzz", "text", b"apm1.e30.AAAA")
seed("skr_envelope_fuzz", "value", b"\x02\x40a secret value")
seed("token_record_fuzz", "record", json.dumps({"v": 1, "id": "aa" * 32, "accessor": "x", "policies": ["default"]}))
seed("audit_chain_fuzz", "record", '{"seq":1,"type":"request"}\n')
seed("snp_report_fuzz", "version2", snp_report())
seed("hcl_report_fuzz", "claims", hcl_report())
seed("tpm_attest_fuzz", "quote", attest(0x8018, u32(1) + u16(0xB) + b"\x03\xff\x00\x00" + sized(bytes(32))))
seed("tpm_attest_fuzz", "certify", attest(0x8017, sized(b"\0\x0b" + bytes(32)) + sized(b"\0\x0b" + bytes(32))))
seed("event_log_fuzz", "separator", event_log())
seed("snapshot_fuzz", "body", snapshot())
seed("snapshot_fuzz", "whole", snapshot() + hashlib.sha256(snapshot()).digest())
seed("public_area_fuzz", "rsa", public_area())
seed("url_fuzz", "host", "https://vault.example:8443/keys/a?api-version=7.4")
seed("url_fuzz", "v6", "http://[::1]:80/")
seed("jws_fuzz", "token", jws())
key = out / "key.pem"
for name in ("a", "b"):
    pem = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key)],
        check=True, capture_output=True).stdout
    seed("x509_chain_fuzz", name, pem)
    seed("x509_chain_fuzz", name + ".two", pem + pem)
key.unlink()
