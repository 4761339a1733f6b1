//! ngx_http_ssl_module: TLS with clients.

use super::kind::Special;
use super::words;

rows! { "ssl": "ngx_http_ssl_module: TLS with clients";
    SSL_CERTIFICATE "ssl_certificate" in HTTP | SERVER, TAKE1, TextList, Nearest,
        Differs("a name with variables in it is refused: certificates are loaded once, not at every handshake"), "Certificate chain of a server.";
    SSL_CERTIFICATE_KEY "ssl_certificate_key" in HTTP | SERVER, TAKE1, TextList, Nearest,
        Differs("a name with variables in it is refused: certificates are loaded once, not at every handshake; so is a key of another kind than the certificate's, with which nginx starts and no handshake succeeds"), "Private key of a server.";
    SSL_CERTIFICATE_CACHE "ssl_certificate_cache" in HTTP | SERVER,
        TAKE123, Special(Special::CertificateCache) = "off", Nearest,
        Accepted("certificates with variables in their names are not supported"),
        "Keeps certificates that are found at run time.";
    SSL_ECH_FILE "ssl_ech_file" in HTTP | SERVER, TAKE1, TextList, Nearest,
        Unsupported, "Keys for encrypted client hellos.";
    SSL_PASSWORD_FILE "ssl_password_file" in HTTP | SERVER,
        TAKE1, Special(Special::PasswordFile), Nearest,
        Differs("opens keys in PKCS #8; those with \"Proc-Type: 4,ENCRYPTED\" are refused"), "Passwords of private keys.";
    SSL_CERTIFICATE_COMPRESSION "ssl_certificate_compression" in HTTP | SERVER,
        FLAG, Flag = "off", Nearest,
        Accepted("certificates are sent as they are"), "Whether certificates are compressed.";
    SSL_DHPARAM "ssl_dhparam" in HTTP | SERVER, TAKE1, Text, Nearest,
        Accepted("only key exchange over elliptic curves is offered; the file is read nevertheless, and refused where nginx would refuse it"),
        "Parameters of the Diffie-Hellman exchange.";
    SSL_ECDH_CURVE "ssl_ecdh_curve" in HTTP | SERVER, TAKE1, Text = "auto", Nearest,
        Differs("X25519, P-256 and P-384 are offered; others are noted"), "Curves of the key exchange.";
    SSL_PROTOCOLS "ssl_protocols" in HTTP | SERVER,
        MORE1, Bits(words::SSL_PROTOCOLS) = "TLSv1.2 TLSv1.3", Nearest,
        Differs("TLSv1.2 and TLSv1.3 are offered; older ones are noted"), "TLS versions that are offered.";
    SSL_CIPHERS "ssl_ciphers" in HTTP | SERVER, TAKE1, Text = "HIGH:!aNULL:!MD5", Nearest,
        Differs("the forward-secret AEAD ciphers of TLSv1.2 are offered; others are noted"), "Cipher suites that are offered.";
    SSL_BUFFER_SIZE "ssl_buffer_size" in HTTP | SERVER, TAKE1, Size = "16k", Nearest,
        Honoured, "Size of TLS records.";
    SSL_VERIFY_CLIENT "ssl_verify_client" in HTTP | SERVER,
        TAKE1, Enumeration(words::SSL_VERIFY) = "off", Nearest,
        Differs("nobody gets in below an authority that excludes names of holders; of several authorities of one name the one counts whose key fits"), "Whether clients must show a certificate.";
    SSL_VERIFY_DEPTH "ssl_verify_depth" in HTTP | SERVER, TAKE1, Number = "1", Nearest,
        Honoured, "How long a client's certificate chain may be.";
    SSL_CLIENT_CERTIFICATE "ssl_client_certificate" in HTTP | SERVER, TAKE1, Text, Nearest,
        Honoured, "Authorities that client certificates may come from.";
    SSL_TRUSTED_CERTIFICATE "ssl_trusted_certificate" in HTTP | SERVER, TAKE1, Text, Nearest,
        Honoured,
        "Authorities that are trusted but not told.";
    SSL_PREFER_SERVER_CIPHERS "ssl_prefer_server_ciphers" in HTTP | SERVER,
        FLAG, Flag = "off", Nearest,
        Honoured, "Whether the server's order of ciphers wins.";
    SSL_SESSION_CACHE "ssl_session_cache" in HTTP | SERVER,
        TAKE12, Special(Special::SslSessionCache) = "none", Nearest,
        Honoured, "Where TLS sessions are kept.";
    SSL_SESSION_TICKETS "ssl_session_tickets" in HTTP | SERVER, FLAG, Flag = "on", Nearest,
        Honoured, "Whether clients may keep sessions themselves.";
    SSL_SESSION_TICKET_KEY "ssl_session_ticket_key" in HTTP | SERVER, TAKE1, TextList, Nearest,
        Differs("the tickets are not OpenSSL's: share a key among servers of this kind only"), "Keys of session tickets.";
    SSL_SESSION_TIMEOUT "ssl_session_timeout" in HTTP | SERVER, TAKE1, Sec = "5m", Nearest,
        Honoured, "How long a TLS session may be resumed.";
    SSL_CRL "ssl_crl" in HTTP | SERVER, TAKE1, Text, Nearest,
        Differs("a file without a list is refused; nginx takes one of certificates, and then trusts no client"), "Revoked client certificates.";
    SSL_OCSP "ssl_ocsp" in HTTP | SERVER, TAKE1, Enumeration(words::SSL_OCSP) = "off", Nearest,
        Accepted("authorities are not asked about client certificates; ssl_crl names revoked ones"), "Whether client certificates are looked up with their authority.";
    SSL_OCSP_RESPONDER "ssl_ocsp_responder" in HTTP | SERVER, TAKE1, Text, Nearest,
        Accepted("authorities are not asked about client certificates; ssl_crl names revoked ones"), "Where they are looked up.";
    SSL_OCSP_CACHE "ssl_ocsp_cache" in HTTP | SERVER,
        TAKE1, Special(Special::SslOcspCache) = "off", Nearest,
        Accepted("authorities are not asked about client certificates; ssl_crl names revoked ones"), "Keeps the answers of such look-ups.";
    SSL_STAPLING "ssl_stapling" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Accepted("OCSP answers are not stapled; authorities are giving OCSP up"),
        "Whether OCSP answers are stapled.";
    SSL_STAPLING_FILE "ssl_stapling_file" in HTTP | SERVER, TAKE1, Text, Nearest,
        Accepted("OCSP answers are not stapled; authorities are giving OCSP up"),
        "File with an OCSP answer.";
    SSL_STAPLING_RESPONDER "ssl_stapling_responder" in HTTP | SERVER, TAKE1, Text, Nearest,
        Accepted("OCSP answers are not stapled; authorities are giving OCSP up"),
        "Where OCSP answers are fetched.";
    SSL_STAPLING_VERIFY "ssl_stapling_verify" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Accepted("OCSP answers are not stapled; authorities are giving OCSP up"),
        "Whether OCSP answers are verified.";
    SSL_EARLY_DATA "ssl_early_data" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Accepted("early data is not taken; clients send it again after the handshake"), "Whether data may come before the handshake is done.";
    SSL_CONF_COMMAND "ssl_conf_command" in HTTP | SERVER, TAKE2, KeyValue, Nearest,
        Unsupported, "A command of OpenSSL's own configuration.";
    SSL_REJECT_HANDSHAKE "ssl_reject_handshake" in HTTP | SERVER, FLAG, Flag = "off", Nearest,
        Honoured, "Whether every handshake is refused.";
}
