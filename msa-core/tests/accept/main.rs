//! The accept loop: its timeouts and its drain under a paused clock, hostile peers and limits on real sockets.

#[cfg(test)]
mod body;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod hostile;
#[cfg(feature = "http2")]
#[cfg(test)]
mod http2;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod support;
#[cfg(test)]
mod timeouts;
