//! TCP ports that nobody else has.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use socket2::{Domain, Socket, Type};

use crate::error::Error;

/// A port of 127.0.0.1, bound but not listened on: until it is dropped nobody else gets it, and
/// whoever connects is refused. Drop it right before the server starts that is to listen there.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _socket: Socket,
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
            Ok(Self {
                number,
                _socket: socket,
            })
        };
        bind().map_err(Error::io("reserving a port"))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        address_of(self.number)
    }
}

/// A port of this machine, as an address.
pub(crate) fn address_of(port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_reserved_port_is_ours_and_refuses() {
        let (one, other) = (Port::reserve().unwrap(), Port::reserve().unwrap());
        assert_ne!(one.number(), other.number());
        let refused = TcpStream::connect(one.address()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
