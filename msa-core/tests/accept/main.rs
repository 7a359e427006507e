//! The accept loop: its timeouts and its drain under a paused clock, hostile peers and limits on real sockets.

#[cfg(test)]
mod body;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod support;
#[cfg(test)]
mod timeouts;
