//! Markers stand for the right bytes, and give way when there is nothing left to stand for.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use super::*;

fn file(content: &[u8]) -> (tempfile::NamedTempFile, Arc<File>) {
    let mut named = tempfile::NamedTempFile::new().expect("a temporary file");
    named.write_all(content).expect("room on the disk");
    let file = Arc::new(named.reopen().expect("just made"));
    (named, file)
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let near = TcpStream::connect(address).expect("a peer");
    (near, listener.accept().expect("a peer").0)
}

#[test]
fn a_slice_of_a_marker_stands_for_a_slice_of_the_file() {
    let (_named, file) = file(b"0123456789");
    let marker = marker(&SendfileSegment {
        file,
        offset: 2,
        len: 6,
    })
    .expect("addresses");
    assert_eq!(marker.len(), 6);
    let rest = marker.slice(3..);
    drop(marker);
    let segment = resolve(&rest).expect("a marker");
    assert_eq!((segment.offset, segment.len), (5, 3));
    assert!(is_marker(&rest));
    assert!(!is_marker(b"plain bytes"));
    assert!(resolve(b"plain bytes").is_none());
}

#[test]
fn heads_and_files_go_out_in_order() {
    let (_named, file) = file(b"0123456789");
    let (near, mut far) = pair();
    let one = marker(&SendfileSegment {
        file: Arc::clone(&file),
        offset: 0,
        len: 4,
    })
    .expect("addresses");
    let two = marker(&SendfileSegment {
        file,
        offset: 8,
        len: 2,
    })
    .expect("addresses");
    let mut queue = vec![
        Bytes::from_static(b"head:"),
        one,
        Bytes::from_static(b"|"),
        two,
        Bytes::from_static(b"."),
    ];
    while !queue.is_empty() {
        let slices: Vec<_> = queue.iter().map(|bytes| IoSlice::new(bytes)).collect();
        let mut sent = write(&near, &slices).expect("a peer");
        drop(slices);
        while let Some(first) = queue.first_mut().filter(|_| sent > 0) {
            let part = first.split_to(sent.min(first.len()));
            sent -= part.len();
            if first.is_empty() {
                queue.remove(0);
            }
        }
    }
    drop(near);
    let mut received = String::new();
    far.read_to_string(&mut received).expect("text");
    assert_eq!(received, "head:0123|89.");
}

#[test]
fn a_file_that_shrank_is_an_error() {
    let (named, file) = file(b"0123456789");
    let (near, _far) = pair();
    let marker = marker(&SendfileSegment {
        file,
        offset: 5,
        len: 5,
    })
    .expect("addresses");
    named.as_file().set_len(5).expect("a file");
    let error = write(&near, &[IoSlice::new(&marker)]).expect_err("nothing to send");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
