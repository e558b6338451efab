package explain

import "strconv"

// meaningOf says of a code that no table has what its bits tell: MS-ERREF 2.1 of an HRESULT, 2.3 of an NTSTATUS.
func meaningOf(c Code) string {
	number := c.Value >> 16 & 0xFFF
	switch c.Kind {
	case KindHRESULT:
		number &= 0x7FF
	case KindNTSTATUS:
	default:
		return "No table has this number."
	}
	facility := strconv.FormatUint(uint64(number), 10)
	if name := facilityName(number); name != "" {
		facility += " (" + name + ")"
	}
	const customerBit, facilityITF = 0x20000000, 4
	switch {
	case c.Value&customerBit != 0:
		return "Not one of Windows' own numbers (" + string(c.Kind) + "): the program that raised it gave it its meaning."
	case c.Kind == KindHRESULT && number == facilityITF:
		facility += ", where each component gives the numbers a meaning of its own"
	}
	return "No table has this " + string(c.Kind) + ". Its bits say: an error of facility " + facility + "."
}

// facilityName returns the name of a facility as winerror.h has it, for those that Hyper-V, its storage, its network and WinRM use;
// "" for others.
func facilityName(n uint32) string {
	switch n {
	case 0:
		return "FACILITY_NULL"
	case 1:
		return "FACILITY_RPC"
	case 2:
		return "FACILITY_DISPATCH"
	case 3:
		return "FACILITY_STORAGE"
	case 4:
		return "FACILITY_ITF"
	case 7:
		return "FACILITY_WIN32"
	case 8:
		return "FACILITY_WINDOWS"
	case 9:
		return "FACILITY_SSPI"
	case 11:
		return "FACILITY_CERT"
	case 12:
		return "FACILITY_INTERNET"
	case 16:
		return "FACILITY_SCARD"
	case 19:
		return "FACILITY_URT"
	case 25:
		return "FACILITY_HTTP"
	case 31:
		return "FACILITY_USERMODE_FILTER_MANAGER"
	case 37:
		return "FACILITY_DIRECTORYSERVICE"
	case 41:
		return "FACILITY_TPM_SOFTWARE"
	case 49:
		return "FACILITY_FVE"
	case 51:
		return "FACILITY_WINRM"
	case 52:
		return "FACILITY_NDIS"
	case 53:
		return "FACILITY_USERMODE_HYPERVISOR"
	case 55:
		return "FACILITY_USERMODE_VIRTUALIZATION"
	case 56:
		return "FACILITY_USERMODE_VOLMGR"
	case 58:
		return "FACILITY_USERMODE_VHD"
	}
	return ""
}
