# Configuration of the APM server in its container. run.sh replaces the three names; no secret ever
# passes through this file: storage credentials and the TLS key come from Key Vault, into memory.
disable_mlock = true
api_addr      = "https://${APM_HOSTNAME}:${APM_PORT}"

listener "tcp" {
  address = "0.0.0.0:${APM_PORT}"
}

storage "azure" {
  accountName = "${APM_SA_NAME}"
  container   = "vault"
  environment = "AzurePublicCloud"
}
