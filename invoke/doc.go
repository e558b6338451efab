// Package invoke asks a Hyper-V host about its migrations: it lists the jobs, calls GetError and GetErrorEx on them,
// and puts everything the host said about one failure together.
//
// [Jobs] and [Job] read Msvm_MigrationJob, [GetError] and [GetErrorEx] call its two methods, and [Diagnose] asks both,
// adds the job's own fields and drops what was said twice. [ReadMigrationService] tells how the host takes and sends
// migrations, and [FormatError] whether the user may execute methods. Nothing here changes anything on the host.
// The package speaks through a [Client], which [*wsman.Client] is; it knows nothing of transports and authentication.
//
// # Errors
//
// What the host refused is a [*wsman.Fault], what it answered wrongly a [*wsman.ProtocolError], both inside a
// [*wsman.OpError]. A method that ran and returned anything but 0 is a [*ReturnValueError]. States without fields are
// sentinels: [ErrNoErrorInstance], [ErrNothingVisible], [ErrNoSuchJob], [ErrNoSuchService] and [ErrNoHyperV].
// The errors of a migration are results, never error returns.
package invoke
