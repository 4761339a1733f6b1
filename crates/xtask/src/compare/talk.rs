//! Requests that are sent on one connection.

use portunus_testkit::unescape;

/// Requests as the scripts of the conformance tests have them: lines up to the first empty one are the head, what
/// follows is the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Talk {
    pub(crate) requests: Vec<String>,
    /// All are sent at once; else each after the answer to the one before.
    pub(crate) pipelined: bool,
}

impl Talk {
    /// The talk without one of its requests, or without one line of one.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        if self.pipelined {
            let pipelined = false;
            let requests = self.requests.clone();
            smaller.push(Self {
                requests,
                pipelined,
            });
        }
        for at in 0..self.requests.len() {
            if self.requests.len() > 1 {
                let mut fewer = self.clone();
                fewer.requests.remove(at);
                smaller.push(fewer);
            }
            smaller.extend(self.without_a_line(at));
        }
        smaller
    }

    /// The talk without one line of a request.
    fn without_a_line(&self, at: usize) -> Vec<Self> {
        let request = self.requests.get(at).map_or("", String::as_str);
        let lines: Vec<&str> = request.lines().collect();
        // The empty line divides head and body.
        let removable = |line: &usize| lines.get(*line).is_some_and(|line| !line.is_empty());
        let without = |line| {
            let mut fewer = self.clone();
            let mut left = lines.clone();
            left.remove(line);
            if let Some(request) = fewer.requests.get_mut(at) {
                *request = left.join("\n");
            }
            fewer
        };
        (1..lines.len()).filter(removable).map(without).collect()
    }

    /// The talk as a script has it.
    pub(crate) fn script(&self, name: usize) -> String {
        if !self.pipelined {
            let again = format!("### {name}\n# same connection\n");
            let requests: Vec<_> = self.requests.iter().map(|one| one.trim_end()).collect();
            return format!("### {name}\n{}\n\n", requests.join(&format!("\n\n{again}")));
        }
        let methods: Vec<&str> = self.requests.iter().map(|one| method(one)).collect();
        let mut script = format!(
            "### {name}\n# answers: {}\n# methods: {}\n",
            methods.len(),
            methods.join(" ")
        );
        for (at, request) in self.requests.iter().enumerate() {
            let (head, body) = parts(request);
            let length = unescape(body).len().to_string();
            // What stands behind the first head is a body to the script, whose line ends are not sent.
            let end = if at == 0 { "\n" } else { "\\r\\n\n" };
            for line in head.lines() {
                script += &(line.replace("%%LENGTH%%", &length) + end);
            }
            script += end;
            script += body;
            script += if body.is_empty() { "" } else { "\n" };
        }
        script + "\n"
    }
}

/// The method of a request.
pub(crate) fn method(request: &str) -> &str {
    request.split(' ').next().unwrap_or_default()
}

/// The bytes of a request.
pub(crate) fn bytes(request: &str) -> Vec<u8> {
    let (head, body) = parts(request);
    let body = unescape(body);
    let mut lines = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        lines += &line.replace("%%LENGTH%%", &body.len().to_string());
        lines += "\r\n";
    }
    let mut bytes = unescape(&lines);
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

fn parts(request: &str) -> (&str, &str) {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    (head.trim_end_matches('\n'), body.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(requests: &[&str], pipelined: bool) -> Talk {
        Talk {
            requests: requests.iter().map(|&one| one.to_owned()).collect(),
            pipelined,
        }
    }

    #[test]
    fn requests_become_bytes() {
        let request = "POST / HTTP/1.1\nContent-Length: %%LENGTH%%\n\na\\x00b\n";
        assert_eq!(
            bytes(request),
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\0b"
        );
    }

    #[test]
    fn talks_lose_requests_and_lines() {
        let (first, second) = ("GET / HTTP/1.1\nHost: a\n", "GET /x HTTP/1.0");
        assert_eq!(
            talk(&[first, second], true).smaller(),
            [
                talk(&[first, second], false),
                talk(&[second], true),
                talk(&["GET / HTTP/1.1", second], true),
                talk(&[first], true),
            ]
        );
    }

    #[test]
    fn talks_are_printed_as_scripts() {
        let requests = [
            "POST / HTTP/1.1\nContent-Length: %%LENGTH%%\n\nab\n",
            "GET /x HTTP/1.0",
        ];
        assert_eq!(
            talk(&requests, false).script(3),
            "### 3\nPOST / HTTP/1.1\nContent-Length: %%LENGTH%%\n\nab\n\n\
             ### 3\n# same connection\nGET /x HTTP/1.0\n\n"
        );
        assert_eq!(
            talk(&requests, true).script(3),
            "### 3\n# answers: 2\n# methods: POST GET\nPOST / HTTP/1.1\nContent-Length: 2\n\nab\n\
             GET /x HTTP/1.0\\r\\n\n\\r\\n\n\n"
        );
    }
}
