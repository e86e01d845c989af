# The same server over the embedded store, on one machine: a second template, chosen by APM_TEMPLATE.
# The test stanza names every trust anchor and address that is not Azure's and the vendors'; with it
# the store is a test store for ever. Without APM_TEST_DIR, use apm.hcl.tpl.
disable_mlock = true
api_addr      = "https://${APM_HOSTNAME}:${APM_PORT}"
store_kind    = "test"

listener "tcp" {
  address = "127.0.0.1:${APM_PORT}"
}

storage "sqlite" {
  path = "${APM_DATA_DIR}/store.db"
}

audit "file" "main" {
  file_path = "${APM_DATA_DIR}/audit.log"
}

test {
  ca_file       = "${APM_TEST_DIR}/ca.pem"
  connect_to    = "${APM_TEST_HTTPS}"
  imds_endpoint = "${APM_TEST_IMDS}"
  tpm_tcti      = "swtpm:path=${APM_TEST_DIR}/vm-server.tpm"
  event_log     = "${APM_TEST_DIR}/vm-server.eventlog"
  amd_root_file = "${APM_TEST_AMD_ROOT}"
}
