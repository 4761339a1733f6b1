@extends('errors.layout')
@section('headline', 'Please log in')
@section('advice', 'This page belongs to somebody. If that is you, log in first.')
