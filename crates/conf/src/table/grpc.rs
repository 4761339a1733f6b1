//! ngx_http_grpc_module: gRPC servers, refused.

use super::kind::Special;
use super::words;

rows! { "grpc": "ngx_http_grpc_module: gRPC servers, refused";
    GRPC_PASS "grpc_pass" in LOCATION | LIF, TAKE1, Words, Location,
        Unsupported, "server that answers.";
    GRPC_BIND "grpc_bind" in HTTP | SERVER | LOCATION, TAKE12, Special(Special::Bind), Nearest,
        Unsupported, "Own address of outgoing connections.";
    GRPC_SOCKET_KEEPALIVE "grpc_socket_keepalive" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the kernel probes idle connections.";
    GRPC_SOCKET_RCVBUF "grpc_socket_rcvbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Receive buffer of outgoing connections.";
    GRPC_SOCKET_SNDBUF "grpc_socket_sndbuf" in HTTP | SERVER | LOCATION, TAKE1, Size, Nearest,
        Unsupported, "Send buffer of outgoing connections.";
    GRPC_CONNECT_TIMEOUT "grpc_connect_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long connecting may take.";
    GRPC_SEND_TIMEOUT "grpc_send_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long sending may pause.";
    GRPC_INTERCEPT_ERRORS "grpc_intercept_errors" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether error_page applies to answers of servers.";
    GRPC_BUFFER_SIZE "grpc_buffer_size" in HTTP | SERVER | LOCATION, TAKE1, Size = "4k", Nearest,
        Unsupported, "Buffer for the first part of the answer, its head.";
    GRPC_READ_TIMEOUT "grpc_read_timeout" in HTTP | SERVER | LOCATION, TAKE1, Msec = "60s", Nearest,
        Unsupported, "How long the answer may pause.";
    GRPC_NEXT_UPSTREAM "grpc_next_upstream" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::GRPC_NEXT_UPSTREAM) = "error timeout", Nearest,
        Unsupported, "When the next server is asked.";
    GRPC_NEXT_UPSTREAM_TRIES "grpc_next_upstream_tries" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "0", Nearest,
        Unsupported, "How many servers are asked.";
    GRPC_NEXT_UPSTREAM_TIMEOUT "grpc_next_upstream_timeout" in HTTP | SERVER | LOCATION,
        TAKE1, Msec = "0", Nearest,
        Unsupported, "For how long servers are asked.";
    GRPC_SET_HEADER "grpc_set_header" in HTTP | SERVER | LOCATION,
        TAKE2, KeyValue = "Host $grpc_host", Nearest,
        Unsupported, "Sets a field of the request that is passed on.";
    GRPC_PASS_HEADER "grpc_pass_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is passed on after all.";
    GRPC_HIDE_HEADER "grpc_hide_header" in HTTP | SERVER | LOCATION, TAKE1, TextList, Nearest,
        Unsupported, "Field of the answer that is held back.";
    GRPC_IGNORE_HEADERS "grpc_ignore_headers" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::IGNORE_HEADERS), Nearest,
        Unsupported, "Fields of the answer that have no effect here.";
    GRPC_SSL_SESSION_REUSE "grpc_ssl_session_reuse" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "on", Nearest,
        Unsupported, "Whether TLS sessions are resumed.";
    GRPC_SSL_PROTOCOLS "grpc_ssl_protocols" in HTTP | SERVER | LOCATION,
        MORE1, Bits(words::SSL_PROTOCOLS) = "TLSv1.2 TLSv1.3", Nearest,
        Unsupported, "TLS versions that are offered.";
    GRPC_SSL_CIPHERS "grpc_ssl_ciphers" in HTTP | SERVER | LOCATION,
        TAKE1, Text = "DEFAULT", Nearest,
        Unsupported, "Cipher suites that are offered.";
    GRPC_SSL_NAME "grpc_ssl_name" in HTTP | SERVER | LOCATION,
        TAKE1, Complex = "$grpc_host", Nearest,
        Unsupported, "Name that the certificate must have.";
    GRPC_SSL_SERVER_NAME "grpc_ssl_server_name" in HTTP | SERVER | LOCATION,
        FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the name is sent in the handshake.";
    GRPC_SSL_VERIFY "grpc_ssl_verify" in HTTP | SERVER | LOCATION, FLAG, Flag = "off", Nearest,
        Unsupported, "Whether the certificate is verified.";
    GRPC_SSL_VERIFY_DEPTH "grpc_ssl_verify_depth" in HTTP | SERVER | LOCATION,
        TAKE1, Number = "1", Nearest,
        Unsupported, "How long the certificate chain may be.";
    GRPC_SSL_TRUSTED_CERTIFICATE "grpc_ssl_trusted_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Text, Nearest,
        Unsupported, "Authorities that are trusted.";
    GRPC_SSL_CRL "grpc_ssl_crl" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Unsupported, "Revoked certificates.";
    GRPC_SSL_CERTIFICATE "grpc_ssl_certificate" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Unsupported, "Own certificate.";
    GRPC_SSL_CERTIFICATE_KEY "grpc_ssl_certificate_key" in HTTP | SERVER | LOCATION,
        TAKE1, Complex, Nearest,
        Unsupported, "Own private key.";
    GRPC_SSL_CERTIFICATE_CACHE "grpc_ssl_certificate_cache" in HTTP | SERVER | LOCATION,
        TAKE123, Special(Special::CertificateCache) = "off", Nearest,
        Unsupported, "Keeps certificates that are found at run time.";
    GRPC_SSL_PASSWORD_FILE "grpc_ssl_password_file" in HTTP | SERVER | LOCATION,
        TAKE1, Special(Special::PasswordFile), Nearest,
        Unsupported, "Passwords of private keys.";
    GRPC_SSL_CONF_COMMAND "grpc_ssl_conf_command" in HTTP | SERVER | LOCATION,
        TAKE2, KeyValue, Nearest,
        Unsupported, "A command of OpenSSL's own configuration.";
}
