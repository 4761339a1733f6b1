//! TCP ports that nobody else has.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use socket2::{Domain, Socket, Type};

use crate::error::Error;

/// A port of 127.0.0.1, bound but not listened on: until it is dropped nobody else gets it, and
/// whoever connects is refused. [`Self::lend`] it to a server that is to listen there.
#[derive(Debug)]
pub struct Port {
    number: u16,
    socket: Socket,
}

impl Port {
    /// Reserves a port of the system's choice.
    ///
    /// # Errors
    /// If the system has none.
    pub fn reserve() -> Result<Self, Error> {
        let bind = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).into())?;
            let number = socket
                .local_addr()?
                .as_socket()
                .map_or(0, |address| address.port());
            Ok(Self { number, socket })
        };
        bind().map_err(Error::io("reserving a port"))
    }

    /// From now on a server may listen there that asks for an address in use (`SO_REUSEADDR`), as all do that run for
    /// long. As long as the port is kept the system gives it to nobody who asks for any: neither to another test
    /// between here and the start of the server, nor as the own end of a connection.
    ///
    /// # Errors
    /// If the system does not like it.
    pub fn lend(&self) -> Result<(), Error> {
        let lent = self.socket.set_reuse_address(true);
        lent.map_err(Error::io("lending a port"))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.number))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_is_ours_and_refuses() {
        let (one, other) = (Port::reserve().unwrap(), Port::reserve().unwrap());
        assert_ne!(one.number(), other.number());
        let refused = TcpStream::connect(one.address()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_lent_port_can_be_listened_on_and_is_not_given_away() {
        let port = Port::reserve().unwrap();
        let taken = TcpListener::bind(port.address()).unwrap_err();
        assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
        port.lend().unwrap();
        let listener = TcpListener::bind(port.address()).unwrap();
        assert!(TcpStream::connect(port.address()).is_ok());
        drop(listener);
        assert!(TcpStream::connect(port.address()).is_err());
    }
}
