/**
 * Linux's errors, as programs tell of them: number (include/uapi/asm-generic/errno.h), name, what glibc's `strerror` says
 * in the C locale, and what musl's says where that is another text.
 */
const ERRORS: ReadonlyArray<readonly [number, string, string, string?]> = [
  [1, "EPERM", "Operation not permitted"],
  [2, "ENOENT", "No such file or directory"],
  [3, "ESRCH", "No such process"],
  [4, "EINTR", "Interrupted system call"],
  [5, "EIO", "Input/output error", "I/O error"],
  [6, "ENXIO", "No such device or address"],
  [7, "E2BIG", "Argument list too long"],
  [8, "ENOEXEC", "Exec format error"],
  [9, "EBADF", "Bad file descriptor"],
  [10, "ECHILD", "No child processes", "No child process"],
  [11, "EAGAIN", "Resource temporarily unavailable"],
  [12, "ENOMEM", "Cannot allocate memory", "Out of memory"],
  [13, "EACCES", "Permission denied"],
  [14, "EFAULT", "Bad address"],
  [15, "ENOTBLK", "Block device required"],
  [16, "EBUSY", "Device or resource busy", "Resource busy"],
  [17, "EEXIST", "File exists"],
  [18, "EXDEV", "Invalid cross-device link", "Cross-device link"],
  [19, "ENODEV", "No such device"],
  [20, "ENOTDIR", "Not a directory"],
  [21, "EISDIR", "Is a directory"],
  [22, "EINVAL", "Invalid argument"],
  [23, "ENFILE", "Too many open files in system"],
  [24, "EMFILE", "Too many open files", "No file descriptors available"],
  [25, "ENOTTY", "Inappropriate ioctl for device", "Not a tty"],
  [26, "ETXTBSY", "Text file busy"],
  [27, "EFBIG", "File too large"],
  [28, "ENOSPC", "No space left on device"],
  [29, "ESPIPE", "Illegal seek", "Invalid seek"],
  [30, "EROFS", "Read-only file system"],
  [31, "EMLINK", "Too many links"],
  [32, "EPIPE", "Broken pipe"],
  [33, "EDOM", "Numerical argument out of domain", "Domain error"],
  [34, "ERANGE", "Numerical result out of range", "Result not representable"],
  [35, "EDEADLK", "Resource deadlock avoided", "Resource deadlock would occur"],
  [36, "ENAMETOOLONG", "File name too long", "Filename too long"],
  [37, "ENOLCK", "No locks available"],
  [38, "ENOSYS", "Function not implemented"],
  [39, "ENOTEMPTY", "Directory not empty"],
  [40, "ELOOP", "Too many levels of symbolic links", "Symbolic link loop"],
  [42, "ENOMSG", "No message of desired type"],
  [43, "EIDRM", "Identifier removed"],
  [44, "ECHRNG", "Channel number out of range"],
  [45, "EL2NSYNC", "Level 2 not synchronized"],
  [46, "EL3HLT", "Level 3 halted"],
  [47, "EL3RST", "Level 3 reset"],
  [48, "ELNRNG", "Link number out of range"],
  [49, "EUNATCH", "Protocol driver not attached"],
  [50, "ENOCSI", "No CSI structure available"],
  [51, "EL2HLT", "Level 2 halted"],
  [52, "EBADE", "Invalid exchange"],
  [53, "EBADR", "Invalid request descriptor"],
  [54, "EXFULL", "Exchange full"],
  [55, "ENOANO", "No anode"],
  [56, "EBADRQC", "Invalid request code"],
  [57, "EBADSLT", "Invalid slot"],
  [59, "EBFONT", "Bad font file format"],
  [60, "ENOSTR", "Device not a stream"],
  [61, "ENODATA", "No data available"],
  [62, "ETIME", "Timer expired", "Device timeout"],
  [63, "ENOSR", "Out of streams resources"],
  [64, "ENONET", "Machine is not on the network"],
  [65, "ENOPKG", "Package not installed"],
  [66, "EREMOTE", "Object is remote"],
  [67, "ENOLINK", "Link has been severed"],
  [68, "EADV", "Advertise error"],
  [69, "ESRMNT", "Srmount error"],
  [70, "ECOMM", "Communication error on send"],
  [71, "EPROTO", "Protocol error"],
  [72, "EMULTIHOP", "Multihop attempted"],
  [73, "EDOTDOT", "RFS specific error"],
  [74, "EBADMSG", "Bad message"],
  [75, "EOVERFLOW", "Value too large for defined data type", "Value too large for data type"],
  [76, "ENOTUNIQ", "Name not unique on network"],
  [77, "EBADFD", "File descriptor in bad state"],
  [78, "EREMCHG", "Remote address changed"],
  [79, "ELIBACC", "Can not access a needed shared library"],
  [80, "ELIBBAD", "Accessing a corrupted shared library"],
  [81, "ELIBSCN", ".lib section in a.out corrupted"],
  [82, "ELIBMAX", "Attempting to link in too many shared libraries"],
  [83, "ELIBEXEC", "Cannot exec a shared library directly"],
  [84, "EILSEQ", "Invalid or incomplete multibyte or wide character", "Illegal byte sequence"],
  [85, "ERESTART", "Interrupted system call should be restarted"],
  [86, "ESTRPIPE", "Streams pipe error"],
  [87, "EUSERS", "Too many users"],
  [88, "ENOTSOCK", "Socket operation on non-socket", "Not a socket"],
  [89, "EDESTADDRREQ", "Destination address required"],
  [90, "EMSGSIZE", "Message too long", "Message too large"],
  [91, "EPROTOTYPE", "Protocol wrong type for socket"],
  [92, "ENOPROTOOPT", "Protocol not available"],
  [93, "EPROTONOSUPPORT", "Protocol not supported"],
  [94, "ESOCKTNOSUPPORT", "Socket type not supported"],
  [95, "EOPNOTSUPP", "Operation not supported", "Not supported"],
  [96, "EPFNOSUPPORT", "Protocol family not supported"],
  [97, "EAFNOSUPPORT", "Address family not supported by protocol"],
  [98, "EADDRINUSE", "Address already in use", "Address in use"],
  [99, "EADDRNOTAVAIL", "Cannot assign requested address", "Address not available"],
  [100, "ENETDOWN", "Network is down"],
  [101, "ENETUNREACH", "Network is unreachable", "Network unreachable"],
  [102, "ENETRESET", "Network dropped connection on reset", "Connection reset by network"],
  [103, "ECONNABORTED", "Software caused connection abort", "Connection aborted"],
  [104, "ECONNRESET", "Connection reset by peer"],
  [105, "ENOBUFS", "No buffer space available"],
  [106, "EISCONN", "Transport endpoint is already connected", "Socket is connected"],
  [107, "ENOTCONN", "Transport endpoint is not connected", "Socket not connected"],
  [108, "ESHUTDOWN", "Cannot send after transport endpoint shutdown", "Cannot send after socket shutdown"],
  [109, "ETOOMANYREFS", "Too many references: cannot splice"],
  [110, "ETIMEDOUT", "Connection timed out", "Operation timed out"],
  [111, "ECONNREFUSED", "Connection refused"],
  [112, "EHOSTDOWN", "Host is down"],
  [113, "EHOSTUNREACH", "No route to host", "Host is unreachable"],
  [114, "EALREADY", "Operation already in progress"],
  [115, "EINPROGRESS", "Operation now in progress", "Operation in progress"],
  [116, "ESTALE", "Stale file handle"],
  [117, "EUCLEAN", "Structure needs cleaning"],
  [118, "ENOTNAM", "Not a XENIX named type file"],
  [119, "ENAVAIL", "No XENIX semaphores available"],
  [120, "EISNAM", "Is a named type file"],
  [121, "EREMOTEIO", "Remote I/O error"],
  [122, "EDQUOT", "Disk quota exceeded", "Quota exceeded"],
  [123, "ENOMEDIUM", "No medium found"],
  [124, "EMEDIUMTYPE", "Wrong medium type"],
  [125, "ECANCELED", "Operation canceled"],
  [126, "ENOKEY", "Required key not available"],
  [127, "EKEYEXPIRED", "Key has expired"],
  [128, "EKEYREVOKED", "Key has been revoked"],
  [129, "EKEYREJECTED", "Key was rejected by service"],
  [130, "EOWNERDEAD", "Owner died", "Previous owner died"],
  [131, "ENOTRECOVERABLE", "State not recoverable"],
  [132, "ERFKILL", "Operation not possible due to RF-kill"],
  [133, "EHWPOISON", "Memory page has hardware error"],
];

/**
 * Errors that are not to leave the kernel, and do where a driver errs: ENOTSUPP above all (include/linux/errno.h). Both C
 * libraries have no text for them; glibc gives the number.
 */
const INTERNAL_ERRORS: ReadonlyArray<readonly [number, string]> = [
  [512, "ERESTARTSYS"],
  [513, "ERESTARTNOINTR"],
  [514, "ERESTARTNOHAND"],
  [515, "ENOIOCTLCMD"],
  [516, "ERESTART_RESTARTBLOCK"],
  [517, "EPROBE_DEFER"],
  [518, "EOPENSTALE"],
  [519, "ENOPARAM"],
  [521, "EBADHANDLE"],
  [522, "ENOTSYNC"],
  [523, "EBADCOOKIE"],
  [524, "ENOTSUPP"],
  [525, "ETOOSMALL"],
  [526, "ESERVERFAULT"],
  [527, "EBADTYPE"],
  [528, "EJUKEBOX"],
  [529, "EIOCBQUEUED"],
  [530, "ERECALLCONFLICT"],
  [531, "ENOGRACE"],
];

const NAME_OF_TEXT = new Map(
  ERRORS.flatMap(([, name, ...texts]) => texts.flatMap((text) => (text === undefined ? [] : [[text, name] as const]))),
);
const TEXT_OF_NAME = new Map(ERRORS.map(([, name, text]) => [name, text]));
const NAME_OF_NUMBER = new Map([...ERRORS, ...INTERNAL_ERRORS].map(([number, name]) => [number, name]));
/** Rust's programs (uutils) end with the number, glibc gives it for what it does not know. */
const NUMBERED = /(?:\(os error (\d+)\)|Unknown error (\d+))$/;

/**
 * The errno that a program's message ends with, behind a colon, as `dd: error writing '/sys/…': Device or resource busy`
 * and `RTNETLINK answers: Operation not supported` do.
 */
export function errnoOfMessage(message: string): string | undefined {
  const text = message.trim();
  const [, osError, unknownError] = NUMBERED.exec(text) ?? [];
  const number = osError ?? unknownError;
  if (number !== undefined) return NAME_OF_NUMBER.get(Number(number));
  // From the longest end on: one text holds a colon itself.
  for (let at = 0; at >= 0; at = text.indexOf(": ", at + 1)) {
    const name = NAME_OF_TEXT.get(text.slice(at === 0 ? 0 : at + 2));
    if (name !== undefined) return name;
  }
  return undefined;
}

/** What programs print for an errno by glibc's `strerror`; the name itself where it has no text. */
export function textOfErrno(name: string): string {
  return TEXT_OF_NAME.get(name) ?? name;
}
