"""The HTTP door: thin routes over use-cases, problem+json errors, one transaction per request."""
