@extends('errors.layout')
@section('headline', 'Not yours to open')
@section('advice', 'You are logged in, but this door has another key.')
