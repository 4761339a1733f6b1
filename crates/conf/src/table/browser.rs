//! ngx_http_browser_module: variables after the User-Agent field.

rows! { "browser": "ngx_http_browser_module: variables after the User-Agent field";
    MODERN_BROWSER "modern_browser" in HTTP | SERVER | LOCATION, TAKE12, Words, Nearest,
        Honoured, "Which versions count as modern.";
    ANCIENT_BROWSER "ancient_browser" in HTTP | SERVER | LOCATION, MORE1, Words, Nearest,
        Honoured, "Substrings of User-Agent that mark an ancient browser.";
    MODERN_BROWSER_VALUE "modern_browser_value" in HTTP | SERVER | LOCATION,
        TAKE1, Words = "1", Nearest,
        Honoured, "Value of $modern_browser.";
    ANCIENT_BROWSER_VALUE "ancient_browser_value" in HTTP | SERVER | LOCATION,
        TAKE1, Words = "1", Nearest,
        Honoured, "Value of $ancient_browser.";
}
