package faultsuite

var rateScenarios, contextScenarios, exportScenarios, writeScenarios, webhookScenarios []scenario
