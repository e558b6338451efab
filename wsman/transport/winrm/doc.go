// Package winrm lets programs that use github.com/masterzen/winrm keep their settings: it turns that package's Endpoint and Parameters
// into the configuration of package transport. Programs that import both give one of them another name:
//
//	import (
//		"github.com/masterzen/winrm"
//
//		bridge "github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
//	)
//
// None of that package's wire code runs: over http it may send the password and all bodies in clear (facts/auth.md §7).
package winrm
