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


def le(fmt, *values):
    return struct.pack("<" + fmt, *values)


def quote(version, tee, body_type, body_size):
    """Signed by nobody; certification data of type 5 that is no chain."""
    vendor = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
    head = le("HH", version, 2) + (le("I", tee) + bytes(4) if version > 3 else bytes(4) + le("HH", 6, 13))
    head += vendor + bytes(20)
    descriptor = le("HI", body_type, body_size) if version == 5 else b""
    tail = bytes(384) + bytes([1] * 64) + le("H", 32) + bytes(32) + le("HI", 5, 4) + b"none"
    data = bytes([1] * 128) + (le("HI", 6, len(tail)) + tail if version > 3 else tail)
    return head + descriptor + bytes(body_size) + le("I", len(data)) + data


def ccel():
    spec = b"Spec ID Event03\0" + le("IBBBB", 0, 0, 2, 0, 2) + le("IHH", 1, 0xC, 48) + b"\0"
    log = le("II", 0, 3) + bytes(20) + le("I", len(spec)) + spec
    for register in (1, 3):
        log += le("IIIH", register, 4, 1, 0xC) + hashlib.sha384(b"\0" * 4).digest() + le("I", 4) + bytes(4)
    return log + b"\xff" * 16


def tcb_info(tee):
    components = json.dumps([{"svn": 1}] * 16)
    module = f'"mrsigner":"{"00" * 48}","attributes":"{"00" * 8}","attributesMask":"{"ff" * 8}"'
    modules = (f'"tdxModule":{{{module}}},"tdxModuleIdentities":[{{"id":"TDX_01",{module},"tcbLevels":'
               f'[{{"tcb":{{"isvsvn":1}},"tcbStatus":"UpToDate"}}]}}],') if tee == "TDX" else ""
    tdx = f',"tdxtcbcomponents":{components}' if tee == "TDX" else ""
    return (f'{{"id":"{tee}","version":3,"issueDate":"2026-01-01T00:00:00Z","nextUpdate":"2060-01-01T00:00:00Z",'
            f'"fmspc":"90C06F000000","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":18,{modules}"tcbLevels":'
            f'[{{"tcb":{{"sgxtcbcomponents":{components},"pcesvn":11{tdx}}},"tcbDate":"2026-01-01T00:00:00Z",'
            f'"tcbStatus":"OutOfDate","advisoryIDs":["INTEL-SA-00001"]}}]}}')


def qe_identity():
    return ('{"id":"QE","version":2,"issueDate":"2026-01-01T00:00:00Z","nextUpdate":"2060-01-01T00:00:00Z",'
            '"tcbEvaluationDataNumber":18,"miscselect":"00000000","miscselectMask":"FFFFFFFF",'
            f'"attributes":"11{"00" * 15}","attributesMask":"{"ff" * 16}","mrsigner":"{"9e" * 32}","isvprodid":1,'
            '"tcbLevels":[{"tcb":{"isvsvn":6},"tcbStatus":"UpToDate"}]}')


def cbor_head(major, size):
    if size < 24:
        return bytes([major << 5 | size])
    return bytes([major << 5 | 24, size]) if size < 256 else bytes([major << 5 | 25]) + u16(size)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        head = cbor_head(0, value) if value < 1 << 16 else b"\x1b" + struct.pack(">Q", value)
        return head
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        return cbor_head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return cbor_head(4, len(value)) + b"".join(map(cbor, value))
    return cbor_head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def nitro_document():
    payload = cbor({"module_id": "i-0-enc0", "digest": "SHA384", "timestamp": 1_790_000_000_000,
                    "pcrs": {i: bytes([i]) * 48 for i in range(16)}, "certificate": b"leaf", "cabundle": [b"root"],
                    "public_key": None, "user_data": b"data", "nonce": None})
    return b"\x84" + cbor(b"\xa1\x01\x38\x22") + b"\xa0" + cbor(payload) + cbor(bytes([1] * 96))


def certificate_table():
    content = b"certificate"
    return bytes.fromhex("63da758de6644564adc5f4b93be8accd") + le("II", 48, len(content)) + bytes(24) + content


def maa_token():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    payload = {"iss": "https://a.example", "iat": 1_790_000_000, "nbf": 1_790_000_000, "exp": 1_790_028_800,
               "x-ms-ver": "1.0", "x-ms-policy-hash": "hash", "x-ms-attestation-type": "sevsnpvm",
               "x-ms-sevsnpvm-is-debuggable": False, "x-ms-sevsnpvm-launchmeasurement": "00" * 48}
    return ".".join([part({"alg": "RS256", "kid": "k", "typ": "JWT"}), part(payload), "AAAA"])


def log_record():
    put = u32(3) + b"key" + u32(5) + b"value"
    delete = u32(4) + b"gone"
    body = (b"\x01" + struct.pack(">QQ", 1, 1) + bytes(32) + u32(1) + u32(1) + put + delete)
    record = b"APML" + u32(len(body)) + body
    return record + hashlib.sha256(record).digest()


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
seed("nitro_fuzz", "document", nitro_document())
seed("snp_certificates_fuzz", "table", certificate_table())
seed("maa_token_fuzz", "token", maa_token())
seed("log_record_fuzz", "record", log_record())
seed("dcap_quote_fuzz", "v3", quote(3, 0, 1, 384))
seed("dcap_quote_fuzz", "v4", quote(4, 0x81, 2, 584) + bytes(8))
seed("dcap_quote_fuzz", "v5", quote(5, 0x81, 3, 648))
seed("ccel_fuzz", "log", ccel())
seed("nsm_response_fuzz", "document", cbor({"Attestation": {"document": bytes(300)}}))
seed("nsm_response_fuzz", "error", cbor({"Error": "InvalidArgument"}))
for tee in ("SGX", "TDX"):
    seed("dcap_collateral_fuzz", tee.lower(), tcb_info(tee))
seed("dcap_collateral_fuzz", "qe", qe_identity())
seed("dcap_collateral_fuzz", "answer", f'{{"tcbInfo":{tcb_info("SGX")},"signature":"{"00" * 64}"}}')
seed("dcap_collateral_fuzz", "file", json.dumps({
    "tcb_info": tcb_info("SGX"), "tcb_info_signature": "00" * 64, "tcb_info_issuer_chain": "x",
    "qe_identity": qe_identity(), "qe_identity_signature": "00" * 64, "qe_identity_issuer_chain": "x",
    "pck_crl": "00", "root_ca_crl": "00"}))
key = out / "key.pem"
for name in ("a", "b"):
    pem = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key)],
        check=True, capture_output=True).stdout
    seed("x509_chain_fuzz", name, pem)
    seed("x509_chain_fuzz", name + ".two", pem + pem)

def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout


# Certificates and a list that hold for as long as the fuzzers' fixed clock asks.
ec = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30000",
      "-keyout", key]
vcek = openssl(*ec, "-subj", "/CN=SEV-VCEK", "-outform", "DER")
vcek_pem = openssl(*ec, "-subj", "/CN=SEV-VCEK")
seed("endorsements_fuzz", "vcek", vcek)
seed("endorsements_fuzz", "thim", json.dumps({"vcekCert": vcek_pem.decode(), "certificateChain": "x", "cacheControl": "60"}))
rsa = openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30000", "-keyout", key, "-subj", "/CN=maa",
              "-outform", "DER")
seed("endorsements_fuzz", "jwks", json.dumps({"keys": [
    {"kid": "k", "kty": "RSA", "x5c": [base64.b64encode(rsa).decode()]}]}))
chain = vcek_pem.decode().strip().replace("\n", "%0A").replace("+", "%2B")
seed("endorsements_fuzz", "tcb", f'{chain}\n{{"tcbInfo":{tcb_info("TDX")},"signature":"{"00" * 64}"}}')
seed("endorsements_fuzz", "qe", f'{chain}\n{{"enclaveIdentity":{qe_identity()},"signature":"{"00" * 64}"}}')
seed("dcap_collateral_fuzz", "chain", vcek_pem)
authority, configuration, index = out / "ca.pem", out / "ca.cnf", out / "index.txt"
authority.write_bytes(openssl(*ec, "-subj", "/CN=ca"))
index.write_text("R\t300101000000Z\t260101000000Z\t03\tunknown\t/CN=revoked\n")
(out / "crlnumber").write_text("01\n")
configuration.write_text(f"[ca]\ndefault_ca=a\n[a]\ndatabase={index}\ncrlnumber={out / 'crlnumber'}\n"
                         "default_md=sha256\ndefault_crl_days=30000\n")
crl_pem = openssl("ca", "-gencrl", "-config", configuration, "-keyfile", key, "-cert", authority)
crl_path = out / "crl.pem"
crl_path.write_bytes(crl_pem)
crl = openssl("crl", "-in", crl_path, "-outform", "DER")
seed("crl_fuzz", "pem", crl_pem)
seed("crl_fuzz", "der", crl)
seed("endorsements_fuzz", "crl", crl)
seed("endorsements_fuzz", "crl_hex", crl.hex())
for left in (key, authority, configuration, index, crl_path, out / "crlnumber", out / "crlnumber.old"):
    left.unlink()
