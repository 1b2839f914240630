package faultsuite

var exportScenarios, writeScenarios, webhookScenarios []scenario
