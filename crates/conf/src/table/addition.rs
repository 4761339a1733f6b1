//! ngx_http_addition_module: text before and after an answer.

rows! { "addition": "ngx_http_addition_module: text before and after an answer";
    ADD_BEFORE_BODY "add_before_body" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Differs("the subrequest sees variables as they were when the head of the page was made"), "Puts the answer of a subrequest before the body.";
    ADD_AFTER_BODY "add_after_body" in HTTP | SERVER | LOCATION, TAKE1, Text, Nearest,
        Differs("the subrequest sees variables as they were when the head of the page was made"), "Puts the answer of a subrequest after the body.";
    ADDITION_TYPES "addition_types" in HTTP | SERVER | LOCATION,
        MORE1, MimeTypes = "text/html", Nearest,
        Honoured, "Media types of the answers that are added to.";
}
