//! Lines of logs, made comparable.

/// What two servers write of the same requests: times are left out, and ports, directories and the like of the one
/// that wrote it are replaced by their names.
#[must_use]
pub fn comparable_log<'v>(log: &str, values: impl Iterator<Item = (&'v str, &'v str)>) -> String {
    let named = |name: &str| {
        name.starts_with("PORT") || name.starts_with("CLOSED") || ["ROOT", "TMP"].contains(&name)
    };
    let values = values.filter(|(name, _)| named(name));
    values.fold(without_times(log), |text, (name, value)| {
        text.replace(value, name)
    })
}

/// `[03/Feb/2024:04:05:06 +0000]` becomes `[TIME]`; of a line of an error log, time, process and number of the
/// connection go.
fn without_times(log: &str) -> String {
    let mut text = String::new();
    for line in log.lines() {
        match (line.split_once('['), line.split_once(']')) {
            (Some((_, level)), Some((_, after)))
                if line.starts_with(|c: char| c.is_ascii_digit())
                    && line.get(4..5) == Some("/") =>
            {
                let message = after
                    .split_once('*')
                    .and_then(|(_, rest)| rest.split_once(' '));
                let message = message.map_or(after, |(_, message)| message);
                let level = level.split(']').next().unwrap_or_default();
                text += &format!("TIME [{level}] {message}\n");
            }
            (Some((before, _)), Some((_, after))) => text += &format!("{before}[TIME]{after}\n"),
            _ => text += &format!("{line}\n"),
        }
    }
    text
}
