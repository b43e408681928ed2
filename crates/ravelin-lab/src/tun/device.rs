//! A TUN device of Linux (Documentation/networking/tuntap.rst in the kernel's source).

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::ioctl::{self, Opcode, Setter, opcode};
use tokio::io::unix::AsyncFd;

/// A TUN device. It is gone when this is dropped.
#[derive(Debug)]
pub struct Device(AsyncFd<File>);

impl Device {
    /// Creates a device of this name: IPv6 and IPv4 packets without any header before them. MTU, addresses and the way up are
    /// left to whoever asked for it. To be called on a tokio runtime.
    ///
    /// # Errors
    /// No right to create it, no such driver, the name is too long or taken.
    pub fn create(name: &str) -> io::Result<Device> {
        let mut request = InterfaceRequest { name: [0; NAME_BYTES], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
        // The last byte stays zero.
        let room = request.name.get_mut(..name.len()).filter(|room| room.len() < NAME_BYTES);
        room.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(name.as_bytes());
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
        set_interface(&file, request)?;
        Ok(Device(register(file)?))
    }

    /// Waits for a packet; what does not fit the buffer is cut.
    ///
    /// # Errors
    /// The device failed.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(done) = ready.try_io(|file| file.get_ref().read(buffer)) {
                return done;
            }
        }
    }

    /// A packet if there is one now; `WouldBlock` else.
    ///
    /// # Errors
    /// The device failed.
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.get_ref().read(buffer)
    }

    /// Gives the kernel a packet.
    ///
    /// # Errors
    /// The device failed, is not up, or the packet is none.
    pub async fn send(&self, packet: &[u8]) -> io::Result<()> {
        loop {
            let mut ready = self.0.writable().await?;
            if let Ok(done) = ready.try_io(|file| file.get_ref().write(packet)) {
                return done.map(|_| ());
            }
        }
    }
}

/// `struct ifreq` of a 64-bit Linux, with the flags in its union.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; NAME_BYTES],
    flags: i16,
    rest: [u8; 22],
}

#[expect(
    unsafe_code,
    reason = "an ioctl has no safe form; crates that wrap this one bring forty others. Test: the system test kernel_tunnel"
)]
fn set_interface(file: &File, request: InterfaceRequest) -> io::Result<()> {
    // SAFETY: TUNSETIFF takes a pointer to `struct ifreq`, 40 bytes, reads it and keeps no pointer; `InterfaceRequest` is
    // laid out like it and all its bytes are initialised. That the opcode says `int` is how the kernel defines it.
    let set = unsafe { Setter::<TUNSETIFF, InterfaceRequest>::new(request) };
    // SAFETY: as above; the descriptor is open for the time of the call, and other devices refuse the opcode.
    Ok(unsafe { ioctl::ioctl(file, set) }?)
}

#[expect(
    unsafe_code,
    reason = "tokio has no safe form for descriptors of its users. Test: the system test kernel_tunnel"
)]
fn register(file: File) -> io::Result<AsyncFd<File>> {
    // SAFETY: a `File` owns its descriptor, always names the same one, and is given away here: it is open until the result is
    // dropped.
    Ok(unsafe { AsyncFd::register(file) }?)
}

const TUNSETIFF: Opcode = opcode::write::<libc::c_int>(b'T', 202);
const IFF_TUN: i16 = 0x0001;
const IFF_NO_PI: i16 = 0x1000;
/// IFNAMSIZ, with its closing zero.
const NAME_BYTES: usize = 16;
const _: () = assert!(size_of::<InterfaceRequest>() == 40);
