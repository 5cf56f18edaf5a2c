"""The control plane's HTTP: `/api/v1` for the office, and the token endpoint for defenders."""
