"""AzureAttestSKR on one of a cloud's confidential VMs."""
import subprocess

from process import expect

KEY = "https://apmkv.vault.azure.net/keys/apm-master-key"


def command(cloud, *words, vm="server"):
    ends = cloud.endpoints
    return [str(word) for word in (
        cloud.bin / "AzureAttestSKR", "-a", "https://" + ends["maa_host"], "-k", KEY, "--test",
        "--ca-file", ends["ca_file"], "--connect-to", ends["https"], "--imds", ends["imds"],
        "--tcti", cloud.tpm_of(vm), "--event-log", cloud.dir / f"vm-{vm}.eventlog", *words)]


def open_share(cloud, name, vm="server"):
    """The bytes of an unseal key, opened as only who was released the master key can."""
    done = subprocess.run(command(cloud, "-u", "--name", name, "-s", "-", vm=vm),
                          input=cloud.secret(name).encode(), capture_output=True, timeout=120)
    expect(done.returncode == 0, f"{name} does not open: {done.stderr.decode(errors='replace')}")
    return done.stdout[:-1]  # the program ends what it prints with a newline
