package main

import "github.com/hvmigerr/hvmigerr/wsman/wsmantest"

// doctorEventsCases are about the event log and the two ways to it. None of what is broken there is in the way of get.
func doctorEventsCases() []doctorCase {
	logs := func(code uint32, channels ...string) func(*wsmantest.Model) {
		return func(m *wsmantest.Model) {
			m.EventLogs = nil
			for _, channel := range channels {
				m.EventLogs = append(m.EventLogs, wsmantest.EventLog{Channel: channel, Code: code})
			}
		}
	}
	const vmms = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	return []doctorCase{
		{name: "how far logs reach", host: overHTTP(), rung: "events", verdict: rungOK, words: []string{"Hyper-V-VMMS-Admin reaches back 6d", "Hyper-V-VMMS-Operational is empty", "System reaches back 9d"}, lacks: []string{"Event Log Readers"}},
		{name: "no log of a cluster", host: overHTTP(), model: logs(15007, "Microsoft-Windows-FailoverClustering/Operational"), rung: "events", verdict: rungOK, words: []string{"FailoverClustering/Operational is not there", "Hyper-V-VMMS-Admin is empty"}},
		{name: "a log that may not be read", host: overHTTP(), model: logs(5, vmms, "System"), rung: "events", verdict: rungWarning, words: []string{"Hyper-V-VMMS-Admin may not be read, Hyper-V-VMMS-Operational is empty", "Add-LocalGroupMember -Group 'Event Log Readers' -Member 'administrator'", "Only hvmigerr events"}},
		{name: "a log that is recording", host: overHTTP(), model: logs(15022, vmms), rung: "events", verdict: rungWarning, words: []string{"Hyper-V-VMMS-Admin: ", "15022"}},
		{name: "no class of Server Manager", host: overHTTP(), model: func(m *wsmantest.Model) { m.EventService.Missing = true }, rung: "events", verdict: rungWarning, words: []string{"MSFT_ServerManagerTasks", "hvmigerr events --via shell -u administrator 127.0.0.1:"}},
		{name: "no namespace of Server Manager", host: overHTTP(), model: func(m *wsmantest.Model) { m.EventService.NoNamespace = true }, rung: "events", verdict: rungWarning, words: []string{"MSFT_ServerManagerTasks", "--via shell"}},
		{name: "no methods at all", host: overHTTP(), args: "-u reader --password-file PASSWORD-reader", want: exitDenied, rung: "events", verdict: rungWarning, words: []string{"Only hvmigerr events"}},
		{name: "too slow for the log", host: &wsmantest.Config{HTTP: true, Rules: rule("GetServerEventDetailEx", wsmantest.Rule{Delay: wsmantest.Duration(1e12)})}, args: byAdministrator + " --timeout 1s", want: exitDeadline, rung: "events", verdict: rungFailed, words: []string{"not done within --timeout 1s"}, skipped: []string{"shell", "migration"}},
		{name: "a shell", host: overHTTP(), rung: "shell", verdict: rungOK, words: []string{"opened and deleted; nothing was run in it"}},
		{name: "shells are off", host: overHTTP(), model: func(m *wsmantest.Model) { m.Shell.Disabled = true }, rung: "shell", verdict: rungWarning, words: []string{"policy", "Only --via shell needs"}},
		{name: "too many shells", host: &wsmantest.Config{HTTP: true, Rules: rule("Create", wsmantest.Rule{Fault: wsmantest.FaultQuotaShells})}, rung: "shell", verdict: rungWarning, words: []string{"Only --via shell needs", "MaxShellsPerUser"}},
		{name: "no shell for this user", host: &wsmantest.Config{HTTP: true, Rules: rule("Create", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied})}, rung: "shell", verdict: rungSkipped, words: []string{"the event log can be read without"}},
		{name: "neither way", host: &wsmantest.Config{HTTP: true, Rules: rule("Create", wsmantest.Rule{Fault: wsmantest.FaultAccessDenied})}, model: func(m *wsmantest.Model) { m.EventService.Missing = true }, rung: "shell", verdict: rungWarning, words: []string{"Neither way to the event log is open"}, lacks: []string{"Only --via shell needs", "--via servermanager"}},
		{name: "a shell that stays", host: &wsmantest.Config{HTTP: true, Rules: rule("Delete", wsmantest.Rule{Fault: wsmantest.FaultInternalError})}, rung: "shell", verdict: rungWarning, words: []string{"opened and not deleted"}},
	}
}
