package faultsuite

var writeScenarios, webhookScenarios []scenario
