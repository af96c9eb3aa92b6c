"""Values to bytes: parameters in their styles, bodies and forms, credentials, servers, what links hand on."""
