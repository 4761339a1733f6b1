//! Scenarios: what happens to the clients when something is amiss. One run each, with the open loop where
//! waiting matters; the figures are counts and times, not costs.

mod files;
mod fpm;
mod hostile;
mod lab;
mod start;

use anyhow::Result;

use super::contender::{Contender, Kind};
pub(crate) use lab::Lab;

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) contenders: &'static [Contender],
    /// Plays it with one contender; the figures have the same names for all.
    play: fn(&Lab, Contender) -> Result<Figures>,
}

/// Names and values, in the order of the table.
pub(crate) type Figures = Vec<(&'static str, String)>;

const NGINX: Contender = Contender::new("nginx", Kind::Nginx, "php.conf");
const NGINX_KEEPALIVE: Contender =
    Contender::new("nginx keepalive 8", Kind::Nginx, "php-keepalive.conf");
const PORTUNUS: Contender = Contender::new("Portunus", Kind::Portunus, "php.conf");

const PHP: [Contender; 2] = [NGINX, PORTUNUS];
const PHP_AND_KEEPALIVE: [Contender; 3] = [NGINX, NGINX_KEEPALIVE, PORTUNUS];
const FILES: [Contender; 2] = [
    Contender::new("nginx", Kind::Nginx, "static.conf"),
    Contender::new("Portunus", Kind::Portunus, "static.conf"),
];

const HOSTILE: [Contender; 2] = [
    Contender::new("nginx", Kind::Nginx, "hostile.conf"),
    Contender::new("Portunus", Kind::Portunus, "hostile.conf"),
];
/// The reference nginx may be too old for `http2 on`.
const FLOODED: [Contender; 1] = [Contender::new("Portunus", Kind::Portunus, "hostile.conf")];

const EDITED: [Contender; 3] = [
    Contender::new("nginx", Kind::Nginx, "codings.conf"),
    Contender::new(
        "nginx with open_file_cache",
        Kind::Nginx,
        "static-open-file-cache.conf",
    ),
    Contender::new("Portunus", Kind::Portunus, "all-codings.conf"),
];
const MANY: [Contender; 2] = [
    Contender::new("nginx", Kind::Nginx, "codings.conf"),
    Contender::new("Portunus", Kind::Portunus, "all-codings.conf"),
];

/// All of them, in the order of the report.
pub(crate) const SCENARIOS: [Scenario; 18] = [
    Scenario {
        name: "overload",
        title: "4 children of 200 ms can do 20/s; 30/s, then 60/s are offered by clients that wait 1 s",
        contenders: &PHP,
        play: fpm::overload,
    },
    Scenario {
        name: "neighbour",
        title: "64 clients on 8 children, and another FastCGI client of the same PHP-FPM once a second",
        contenders: &PHP_AND_KEEPALIVE,
        play: fpm::neighbour,
    },
    Scenario {
        name: "slow-php",
        title: "2 children, 50 clients reading pages of 1 MB at 10 KB/s, and 20 requests/s beside them",
        contenders: &PHP,
        play: fpm::slow_readers,
    },
    Scenario {
        name: "abandoned",
        title: "40 clients leave a 2 s request after 0.3 s, 4 children; then one more client asks",
        contenders: &PHP,
        play: fpm::abandoned,
    },
    Scenario {
        name: "kill-worker",
        title: "A child of PHP-FPM is killed twice a second under 200 GETs/s",
        contenders: &PHP_AND_KEEPALIVE,
        play: fpm::kill_workers,
    },
    Scenario {
        name: "restart-fpm",
        title: "PHP-FPM stops for 0.5 s, three times, under 100 requests/s",
        contenders: &PHP_AND_KEEPALIVE,
        play: fpm::restart,
    },
    Scenario {
        name: "slow-files",
        title: "2,000 clients reading a file of 10 MB at 20 KB/s, and 200 requests/s beside them",
        contenders: &FILES,
        play: files::slow_readers,
    },
    Scenario {
        name: "connect-only",
        title: "2,000 clients connect and say nothing (time-out 5 s), and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::connect_only,
    },
    Scenario {
        name: "half-line",
        title: "2,000 clients send half a request line (time-out 5 s), and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::half_line,
    },
    Scenario {
        name: "slow-head",
        title: "2,000 clients send a head at 1 B/s (time-out 5 s), and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::slow_head,
    },
    Scenario {
        name: "slow-body",
        title: "2,000 clients send a body at 1 B/s (time-out 5 s), and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::slow_body,
    },
    Scenario {
        name: "slow-read",
        title: "2,000 clients read 10 MB at 512 B/s, and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::slow_read,
    },
    Scenario {
        name: "keep-alive",
        title: "2,000 clients keep an idle connection, and 200 requests/s beside them",
        contenders: &HOSTILE,
        play: hostile::keep_alive,
    },
    Scenario {
        name: "idle",
        title: "10,000 clients keep an idle connection",
        contenders: &HOSTILE,
        play: hostile::idle,
    },
    Scenario {
        name: "floods",
        title: "Floods of HTTP/2 frames, a million at most, and 100 requests/s beside each",
        contenders: &FLOODED,
        play: hostile::floods,
    },
    Scenario {
        name: "fresh-files",
        title: "10,000 random edits of 2,000 files, four clients asking for them plainly, compressed and in part",
        contenders: &EDITED,
        play: files::edits,
    },
    Scenario {
        name: "many-files",
        title: "10,000 files of 10 KB, each asked for plainly, then compressed in each way",
        contenders: &MANY,
        play: files::many,
    },
    Scenario {
        name: "start",
        title: "From the start of the process to its first answer, with the configuration of a PHP site",
        contenders: &PHP,
        play: start::first_answer,
    },
];

impl Scenario {
    /// Plays it with every contender and returns the table.
    pub(crate) fn run(&self, lab: &Lab) -> Result<String> {
        let mut table = String::new();
        for contender in self.contenders {
            println!("  {}", contender.label);
            let figures = (self.play)(lab, *contender)?;
            if table.is_empty() {
                let names: Vec<&str> = figures.iter().map(|(name, _)| *name).collect();
                table = format!("| server | {} |\n", names.join(" | "));
                table.push_str(&format!("|---|{}\n", "---:|".repeat(names.len())));
            }
            let values: Vec<String> = figures.into_iter().map(|(_, value)| value).collect();
            table.push_str(&format!(
                "| {} | {} |\n",
                contender.label,
                values.join(" | ")
            ));
        }
        Ok(table)
    }
}
