// Package wsmantest simulates a Hyper-V host as a WS-Management client sees it: the namespace root/virtualization/v2
// with migration jobs that start, progress, fail and expire.
//
//	s, err := wsmantest.NewServer(wsmantest.Config{})
//	…
//	err = s.Start()
//	defer s.Close()
//	// s.URL(), s.CACertPEM(), s.Pin(): any client can talk to it now.
//
// Over HTTPS it takes NTLM, Kerberos, Basic and client certificates, over HTTP NTLM and Kerberos with sealed messages and
// nothing in clear, as Windows does by default. Kerberos needs no KDC: [Server.CCache] makes the tickets.
//
// It answers Identify, Get, Enumerate, Pull, Release, the methods GetError and GetErrorEx of Msvm_MigrationJob, FormatError
// of Msvm_VirtualSystemManagementService, and GetServerEventDetailEx of MSFT_ServerManagerTasks, which reads the event logs,
// in the shape that Windows gives them as far as that is known, and
// refuses what Windows refuses, in the same words of the protocol. It has the classes Msvm_MigrationJob,
// Msvm_ComputerSystem, those of its management service and its migration service with their settings, and tells
// administrators the configuration of the WS-Management service. Administrators may also open remote shells, in which
// wevtutil answers from the event logs, and other command lines as the model says. What it holds is a [Model]; how it
// misbehaves is a list of [Rule]; how services that are not Windows would say the same is a [Dialect]. All three are plain
// data and read from JSON.
//
// [Fleet] is many such hosts in one process, thousands if need be, on consecutive ports or addresses, each with a clock, jobs,
// users and rules of its own. A host can be closed and started again, restarted, and cut off from its clients.
//
// Besides the server over TCP there is [Server.Transport], which needs no network and works under testing/synctest, and
// [Script], which replays exchanges written beforehand.
//
// It does not simulate CredSSP, other classes, or anything that changes the host. Where the behaviour of
// Windows is not on record, comments say so. The package ships in the command and therefore imports no testing code.
package wsmantest
