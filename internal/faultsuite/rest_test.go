package faultsuite

var bodyScenarios, rateScenarios, contextScenarios, exportScenarios, writeScenarios, webhookScenarios []scenario
