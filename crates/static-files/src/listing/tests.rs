//! Lines that nginx wrote for the same entries.

use super::*;

const MODIFIED: i64 = 981_173_106;

fn entry(name: &str, kind: EntryKind, size: u64) -> ListingEntry {
    ListingEntry {
        name: name.as_bytes().to_vec(),
        kind,
        modified: MODIFIED,
        size,
    }
}

fn line(entry: &ListingEntry, options: &ListingOptions) -> String {
    let page = render(b"/d/", std::slice::from_ref(entry), None, options);
    let page = String::from_utf8(page).expect("text");
    let start = page.find("../</a>\r\n").expect("the way up") + 9;
    page[start..]
        .split("\r\n")
        .next()
        .expect("a line")
        .to_owned()
}

#[test]
fn pages_are_nginx_s() {
    use EntryKind::{Directory, File};
    let n = |count| "n".repeat(count);
    let cases = [
        (
            entry("sub dir", Directory, 0),
            "<a href=\"sub%20dir/\">sub dir/</a>                                           03-Feb-2001 04:05                   -".to_owned(),
        ),
        (
            entry("b<&\">.txt", File, 12_345),
            "<a href=\"b%3C%26%22%3E.txt\">b&lt;&amp;&quot;&gt;.txt</a>                                          03-Feb-2001 04:05               12345".to_owned(),
        ),
        (
            entry(&n(50), File, 1),
            format!("<a href=\"{0}\">{0}</a> 03-Feb-2001 04:05                   1", n(50)),
        ),
        (
            entry(&"d".repeat(50), Directory, 1),
            format!("<a href=\"{0}/\">{0}</a> 03-Feb-2001 04:05                   -", "d".repeat(50)),
        ),
        (
            entry(&n(51), File, 1),
            format!("<a href=\"{}\">{}..&gt;</a> 03-Feb-2001 04:05                   1", n(51), n(47)),
        ),
    ];
    for (entry, expected) in cases {
        assert_eq!(line(&entry, &ListingOptions::default()), expected);
    }
}

#[test]
fn characters_count_only_in_utf_8() {
    let entry = entry("ünïcödé.txt", EntryKind::File, 1);
    let width = |utf8| {
        let line = line(
            &entry,
            &ListingOptions {
                utf8,
                ..Default::default()
            },
        );
        let rest = line.split("</a>").nth(1).expect("a date").to_owned();
        rest.len() - rest.trim_start().len()
    };
    assert_eq!(width(false), 50 - 15 + 1);
    assert_eq!(width(true), 50 - 11 + 1);
    let long = super::tests::entry(&"ü".repeat(55), EntryKind::File, 1);
    let shown = line(
        &long,
        &ListingOptions {
            utf8: true,
            ..Default::default()
        },
    );
    assert!(shown.contains(&format!("\">{}..&gt;</a> 03", "ü".repeat(47))));
}

#[test]
fn sizes_are_rounded_as_nginx_rounds_them() {
    let size = |size| {
        let options = ListingOptions {
            exact_size: false,
            ..Default::default()
        };
        line(&entry("f", EntryKind::File, size), &options)
            .split("04:05 ")
            .nth(1)
            .map(str::to_owned)
    };
    for (bytes, shown) in [
        (0, "      0"),
        (9_999, "   9999"),
        (10_000, "    10K"),
        (12_345, "    12K"),
        (12_800, "    13K"),
        (1_048_575, "  1024K"),
        (1_500_000, "     1M"),
        (2_516_582_400, "     2G"),
        (2_684_354_560, "     3G"),
    ] {
        assert_eq!(size(bytes).as_deref(), Some(shown), "{bytes}");
    }
}

#[test]
fn local_time_shifts_pages_only() {
    let options = ListingOptions {
        utc_offset: 3_600,
        ..Default::default()
    };
    assert!(line(&entry("f", EntryKind::File, 1), &options).contains("03-Feb-2001 05:05"));
}

#[test]
fn data_are_nginx_s() {
    let entries = [
        entry("zdir", EntryKind::Directory, 0),
        entry("tab\tq\"\\\u{1}", EntryKind::File, 1),
        entry("fifo", EntryKind::Other, 0),
    ];
    let text = |format, callback: Option<&str>| {
        let options = ListingOptions {
            format,
            ..Default::default()
        };
        let out = render(b"/", &entries, callback.map(str::as_bytes), &options);
        String::from_utf8(out).expect("text")
    };
    let json = concat!(
        "[\r\n{ \"name\":\"zdir\", \"type\":\"directory\", \"mtime\":\"Sat, 03 Feb 2001 04:05:06 GMT\" },",
        "\r\n{ \"name\":\"tab\\tq\\\"\\\\\\u0001\", \"type\":\"file\", \"mtime\":\"Sat, 03 Feb 2001 04:05:06 GMT\", \"size\":1 },",
        "\r\n{ \"name\":\"fifo\", \"type\":\"other\", \"mtime\":\"Sat, 03 Feb 2001 04:05:06 GMT\" }\r\n]"
    );
    assert_eq!(text(ListingFormat::Json, None), json);
    assert_eq!(text(ListingFormat::Jsonp, None), json);
    assert_eq!(
        text(ListingFormat::Jsonp, Some("a.b")),
        format!("/* callback */\r\na.b({json});")
    );
    let xml = concat!(
        "<?xml version=\"1.0\"?>\r\n<list>\r\n",
        "<directory mtime=\"2001-02-03T04:05:06Z\">zdir</directory>\r\n",
        "<file mtime=\"2001-02-03T04:05:06Z\" size=\"1\">tab\tq&quot;\\\u{1}</file>\r\n",
        "<other mtime=\"2001-02-03T04:05:06Z\">fifo</other>\r\n</list>\r\n"
    );
    assert_eq!(text(ListingFormat::Xml, None), xml);
    let empty = render(
        b"/",
        &[],
        None,
        &ListingOptions {
            format: ListingFormat::Json,
            ..Default::default()
        },
    );
    assert_eq!(empty, b"[\r\n]");
}

#[test]
fn directories_come_first_and_dotfiles_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["b", "a", ".hidden"] {
        std::fs::write(at(name), name).expect("room");
    }
    std::fs::create_dir(at("z")).expect("a folder");
    std::os::unix::fs::symlink("z", at("link")).expect("a link");
    std::os::unix::fs::symlink("nowhere", at("dangling")).expect("a link");
    let entries = read_directory(folder.path().as_os_str().as_bytes()).expect("readable");
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                String::from_utf8_lossy(&entry.name).into_owned(),
                entry.kind,
            )
        })
        .collect();
    let expected = [
        ("link", EntryKind::Directory),
        ("z", EntryKind::Directory),
        ("a", EntryKind::File),
        ("b", EntryKind::File),
        ("dangling", EntryKind::Other),
    ];
    assert_eq!(seen, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(random_index(&entries, 4), Some(&b"a"[..]));
    assert_eq!(random_index(&entries, 5), Some(&b"b"[..]));
    assert_eq!(random_index(&[], 5), None);
    let missing = read_directory(at("none").as_os_str().as_bytes()).expect_err("not there");
    assert_eq!(
        missing.describe(b"/x"),
        "opendir() \"/x\" failed (2: No such file or directory)"
    );
}

#[test]
fn an_entry_that_is_gone_by_now_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("there"), "").expect("room");
    let names = ["gone", "there"].map(|name| Ok(name.into()));
    let entries = read_entries(folder.path(), names).expect("readable");
    let names: Vec<_> = entries.iter().map(|entry| &entry.name[..]).collect();
    assert_eq!(names, [b"there"]);
}

#[test]
fn callbacks_are_names() {
    assert_eq!(jsonp_callback(None), Ok(None));
    assert_eq!(jsonp_callback(Some(b"")), Ok(None));
    assert_eq!(jsonp_callback(Some(b"a.b_C9")), Ok(Some(&b"a.b_C9"[..])));
    assert_eq!(jsonp_callback(Some(b"alert(1)")), Err(InvalidCallback));
    assert_eq!(jsonp_callback(Some(&[b'a'; 129])), Err(InvalidCallback));
}
